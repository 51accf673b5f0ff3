"""Class-conditional RCG: dit_xl.py with an RDM that takes labels.

    python tools/test.py configs/rcg/dit_xl_class_cond.py \\
        checkpoints/dit_xl.safetensors

The generator is the one of dit_xl.py, with the same weights: train that.
Nothing is published about it: with this generator the published code gives
the RDM class 0 only. 50 images of each class.
"""
_base_ = './dit_xl.py'
work_dir = 'work_dirs/rcg/dit_xl_class_cond'
model = dict(rdm=dict(
    num_classes=1000, denoiser=dict(context_dim=512),
    checkpoint=f'{_base_._weights}/rdm_mocov3_vit_b_class_cond.safetensors'))
test_dataloader = dict(dataset=dict(num_classes=1000))
