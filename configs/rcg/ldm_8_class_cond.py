"""Class-conditional RCG: ldm_8.py with an RDM that takes labels.

    python tools/test.py configs/rcg/ldm_8_class_cond.py \\
        checkpoints/ldm_8.safetensors

The generator is the one of ldm_8.py, with the same weights: train that.
Nothing is published about it: with this generator the published code gives
the RDM the last class only. 50 images of each class.
"""
_base_ = './ldm_8.py'
work_dir = 'work_dirs/rcg/ldm_8_class_cond'
model = dict(rdm=dict(
    num_classes=1000, denoiser=dict(context_dim=512),
    checkpoint=f'{_base_._weights}/rdm_mocov3_vit_b_class_cond.safetensors'))
test_dataloader = dict(dataset=dict(num_classes=1000))
