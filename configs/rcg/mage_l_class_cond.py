"""Class-conditional RCG: mage_l.py with an RDM that takes labels.

    python tools/test.py configs/rcg/mage_l_class_cond.py \\
        checkpoints/mage_l.safetensors

The generator is the one of mage_l.py, with the same weights: train that.
Published (arXiv:2312.03701, class-conditional generation; 50,000 images):

    guidance            IS      FID, ADM suite   FID, validation images
    off (cfg 0, w 1)    215.5   2.99             3.49
    cfg 6.0, w 7        300.7   2.25             3.90

50 images of each class. This config samples with guidance, as mage_l.py.
"""
_base_ = './mage_l.py'
work_dir = 'work_dirs/rcg/mage_l_class_cond'
model = dict(rdm=dict(
    num_classes=1000, denoiser=dict(context_dim=512),
    checkpoint=f'{_base_._weights}/rdm_mocov3_vit_l_class_cond.safetensors'))
test_dataloader = dict(dataset=dict(num_classes=1000))
