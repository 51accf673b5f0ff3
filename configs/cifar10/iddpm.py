"""RCG with IDDPM (arXiv:2102.09672) on CIFAR-10: a U-Net over pixels.

    python tools/train.py configs/cifar10/iddpm.py
    python tools/test.py configs/cifar10/iddpm.py work_dirs/cifar10/iddpm

Needs encoder and RDM (configs/cifar10/*.py). Published (arXiv:2312.03701,
table 10, on representations of SimCLR): FID 2.62 of 50,000 images against the
training images, without representations 3.29, with labels 2.89. The paper's
RDM and sampling are not known to us, and nobody has trained this to the end:
what it reaches is open. README.md lists where it departs from IDDPM.

For one GPU: 500,000 iterations of 128 images.
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/models/cifar10_parts.py',
    '../_base_/evaluation/cifar10_fid.py'
]
work_dir = f'{_base_._root}/iddpm'
encoder = dict(_base_.encoder, checkpoint=f'{_base_._root}/encoder',
               prefix='encoder.')
train_cfg = dict(type='StreamTrainLoop', max_samples=500000 * 128)
default_hooks = dict(checkpoint=dict(interval=10000))
optim_wrapper = dict(
    type='AutocastOptimWrapper', dtype='float32',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0., fused=True))
model = dict(
    type='RCG',
    data_preprocessor=dict(type='ImagePreprocessor'),
    encoder=encoder,
    tokenizer=_base_.tokenizer,
    rdm=dict(_base_.rdm, checkpoint=f'{_base_._root}/rdm'),
    generator=_base_.generator)
custom_hooks = [
    dict(type='TrainableEMAHook', decay=.9999, warmup=False),
    dict(type='SampleGridHook', interval=25000, num_images=64),
]
