"""Ablation: MAGE-B, 200 epochs, representations of 32 values.

    GPUS=64 bash tools/slurm_train.sh PARTITION mage_b_200ep_proj_32 \\
        configs/rcg/mage_b_200ep_proj_32.py

A row of table 7c of arXiv:2312.03701 (the projection of MoCo v3 ViT-B). The
encoder must be trained with such a head: configs/encoders/
mocov3_vit_b_proj_32.py, then the RDM of configs/rdm/mocov3_vit_b_proj_32.py.
All else as in mage_b_200ep.py, whose 256 values are the best: FID 5.07.
"""
_base_ = './mage_b_200ep.py'
work_dir = 'work_dirs/rcg/mage_b_200ep_proj_32'
model = dict(
    encoder=dict(projector_dim=32, prefix='encoder.',
                 checkpoint='work_dirs/encoders/mocov3_vit_b_proj_32'),
    rdm=dict(denoiser=dict(rep_dim=32),
             checkpoint='work_dirs/rdm/mocov3_vit_b_proj_32'),
    generator=dict(network=dict(condition=dict(rep_dim=32))))
