"""RCG with MAGE-B on ImageNet 256x256: 800 epochs, random crop and flip.

    python tools/test.py configs/rcg/mage_b.py checkpoints/mage_b.safetensors
    GPUS=64 bash tools/slurm_train.sh PARTITION mage_b configs/rcg/mage_b.py

Published (arXiv:2312.03701 tables 1 and 2, MAGE-B; 50,000 images):

    guidance            IS      FID, ADM suite   FID, validation images
    off (cfg 0, w 1)    177.8   3.98             4.18
    cfg 1.0, w 2        214.9   3.19             4.31

This config samples with guidance; without it:
``--cfg-options model.generator.guidance_scale=1``. What is measured here is
``val/fid``, the last column. Training: 64 V100 GPUs, 3.5 days.
"""
_base_ = [
    '../_base_/rcg_imagenet.py', '../_base_/encoders/mocov3_vit_b.py'
]
work_dir = 'work_dirs/rcg/mage_b'
model = dict(
    encoder=_base_.encoder,
    rdm=dict(checkpoint=f'{_base_._weights}/rdm_mocov3_vit_b.safetensors'))
