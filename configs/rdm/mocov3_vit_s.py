"""RDM over MoCo v3 ViT-S representations, 100 epochs: an ablation.

    bash tools/dist_train.sh configs/rdm/mocov3_vit_s.py 4

Makes what configs/rcg/mage_b_200ep_mocov3_vit_s.py needs. No such RDM
is released.
"""
_base_ = ['../_base_/rdm_imagenet.py', '../_base_/encoders/mocov3_vit_s.py']
work_dir = 'work_dirs/rdm/mocov3_vit_s'
train_cfg = dict(max_samples=100 * _base_._epoch_of_512 * 512)
model = dict(encoder=_base_.encoder)
val_evaluator = dict(encoder=_base_.encoder)
test_evaluator = [
    dict(metric, encoder=_base_.encoder) for metric in _base_.test_evaluator
]
