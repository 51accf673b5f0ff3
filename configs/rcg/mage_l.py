"""RCG with MAGE-L on ImageNet 256x256: 800 epochs, random crop and flip.

    python tools/test.py configs/rcg/mage_l.py checkpoints/mage_l.safetensors
    GPUS=64 bash tools/slurm_train.sh PARTITION mage_l configs/rcg/mage_l.py

Published (arXiv:2312.03701 tables 1 and 2, MAGE-L; 50,000 images):

    guidance            IS      FID, ADM suite   FID, validation images
    off (cfg 0, w 1)    186.9   3.44             3.56
    cfg 6.0, w 7        253.4   2.15             3.31

This config samples with guidance; without it:
``--cfg-options model.generator.guidance_scale=1``. What is measured here is
``val/fid``, the last column. Training: 64 V100 GPUs, 6.6 days.
"""
_base_ = [
    '../_base_/rcg_imagenet.py', '../_base_/encoders/mocov3_vit_l.py'
]
work_dir = 'work_dirs/rcg/mage_l'
model = dict(
    encoder=_base_.encoder,
    rdm=dict(checkpoint=f'{_base_._weights}/rdm_mocov3_vit_l.safetensors'),
    generator=dict(
        network=dict(encoder=dict(dim=1024, depth=24, num_heads=16),
                     decoder=dict(dim=1024, depth=8, num_heads=16)),
        temperature=11.,
        guidance_scale=6. + 1.))  # the published cfg is 6.0
