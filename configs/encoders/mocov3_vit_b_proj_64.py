"""MoCo v3 ViT-B with a head of 64 outputs: an ablation of the projection.

    GPUS=128 bash tools/slurm_train.sh PARTITION mocov3_vit_b_proj_64 \\
        configs/encoders/mocov3_vit_b_proj_64.py

Makes what configs/rdm/mocov3_vit_b_proj_64.py needs: no such encoder is
released, and a head cannot be cut to size afterwards.
"""
_base_ = './mocov3_vit_b.py'
work_dir = 'work_dirs/encoders/mocov3_vit_b_proj_64'
model = dict(encoder=dict(projector_dim=64))
