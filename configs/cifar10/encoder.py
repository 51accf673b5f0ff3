"""Encoder for CIFAR-10: SimCLR (arXiv:2002.05709) on its images alone.

    python tools/train.py configs/cifar10/encoder.py

The recipe of SimCLR's published code for CIFAR-10: ResNet-18, 1,000 epochs of
97 iterations, LARS. For one GPU: batch norm sees the whole batch. It is open
which size and recipe the encoder of RCG had; nobody has trained this one to
the end.
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/datasets/cifar10.py',
    '../_base_/models/cifar10_parts.py'
]
work_dir = f'{_base_._root}/encoder'
# Appendix B.9: crops, flips and distortion of strength .5, no blur.
_view = [
    dict(type='RandomResizedCrop', size=32, scale=(.08, 1.)),
    dict(type='RandomFlip'),
    dict(type='ColorJitter', brightness=.4, contrast=.4, saturation=.4,
         hue=.1, prob=.8),
    dict(type='RandomGrayscale', prob=.2),
]
train_cfg = dict(type='StreamTrainLoop', max_samples=1000 * 97 * 512,
                 val_interval=50 * 97)
train_dataloader = dict(batch_size=512, dataset=dict(pipeline=[]))
model = dict(
    type='SimCLR',
    data_preprocessor=dict(type='ImagePreprocessor'),
    encoder=_base_.encoder,
    views=[_view, _view],
    temperature=.5)
# LARS leaves parameters without weight decay, biases and norms, to plain SGD.
optim_wrapper = dict(
    type='AutocastOptimWrapper', dtype='bfloat16',
    constructor='TwoGroupConstructor',
    optimizer=dict(type='timm.optim.Lars', base_lr=1., momentum=.9,
                   weight_decay=1e-6))
# Floats of begin and end are shares of the run.
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, begin=0, end=10 / 1000,
         by_epoch=False),
    dict(type='CosineAnnealingLR', begin=10 / 1000, end=1., by_epoch=False),
]
custom_hooks = [dict(type='RecomputeBatchNormHook')]

# Do neighbours among the test images have the same label? Labels are used
# for this number alone.
val_cfg = dict(type='ValLoop')
val_dataloader = dict(
    batch_size=500, num_workers=0, dataset=_base_._real_test,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='SeedBatchSampler'),
    collate_fn=dict(type='rcg.collate_batch'))
val_evaluator = dict(type='KNNAccuracy')
test_cfg = dict(type='TestLoop')
test_dataloader = val_dataloader
test_evaluator = val_evaluator
