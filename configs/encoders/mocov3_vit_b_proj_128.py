"""MoCo v3 ViT-B with a head of 128 outputs: an ablation of the projection.

    GPUS=128 bash tools/slurm_train.sh PARTITION mocov3_vit_b_proj_128 \\
        configs/encoders/mocov3_vit_b_proj_128.py

Makes what configs/rdm/mocov3_vit_b_proj_128.py needs: no such encoder is
released, and a head cannot be cut to size afterwards.
"""
_base_ = './mocov3_vit_b.py'
work_dir = 'work_dirs/encoders/mocov3_vit_b_proj_128'
model = dict(encoder=dict(projector_dim=128))
