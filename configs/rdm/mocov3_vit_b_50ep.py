"""RDM over MoCo v3 ViT-B, 50 epochs: an ablation of the length.

    bash tools/dist_train.sh configs/rdm/mocov3_vit_b_50ep.py 4

A row of the paper's table 8c (arXiv:2312.03701); FID and IS there are of
configs/rcg/mage_b_200ep.py with this RDM:
``--cfg-options model.rdm.checkpoint=work_dirs/rdm/mocov3_vit_b_50ep``.
No such RDM is released.
"""
_base_ = './mocov3_vit_b.py'
work_dir = 'work_dirs/rdm/mocov3_vit_b_50ep'
train_cfg = dict(max_samples=50 * _base_._epoch_of_512 * 512)
