"""Class-conditional RCG: adm.py with an RDM that takes labels.

    python tools/test.py configs/rcg/adm_class_cond.py \\
        checkpoints/adm.safetensors

The generator is the one of adm.py, with the same weights: train that.
Nothing is published about it: with this generator the published code gives
the RDM class 0 only. 50 images of each class.
"""
_base_ = './adm.py'
work_dir = 'work_dirs/rcg/adm_class_cond'
model = dict(rdm=dict(
    num_classes=1000, denoiser=dict(context_dim=512),
    checkpoint=f'{_base_._weights}/rdm_mocov3_vit_b_class_cond.safetensors'))
test_dataloader = dict(dataset=dict(num_classes=1000))
