"""Class-conditional RCG: mage_b.py with an RDM that takes labels.

    python tools/test.py configs/rcg/mage_b_class_cond.py \\
        checkpoints/mage_b.safetensors

The generator is the one of mage_b.py, with the same weights: train that.
Published (arXiv:2312.03701, class-conditional generation; 50,000 images):

    guidance            IS      FID, ADM suite   FID, validation images
    off (cfg 0, w 1)    194.9   3.50             4.09
    cfg 1.0, w 2        242.6   3.18             4.64

50 images of each class. This config samples with guidance, as mage_b.py.
"""
_base_ = './mage_b.py'
work_dir = 'work_dirs/rcg/mage_b_class_cond'
model = dict(rdm=dict(
    num_classes=1000, denoiser=dict(context_dim=512),
    checkpoint=f'{_base_._weights}/rdm_mocov3_vit_b_class_cond.safetensors'))
test_dataloader = dict(dataset=dict(num_classes=1000))
