"""Encoder for CIFAR-10: MoCo v3 (arXiv:2104.02057) on its images alone.

    python tools/train.py configs/cifar10/encoder.py

For one GPU. Not the paper's encoder, which is SimCLR trained on CIFAR-10
(arXiv:2312.03701, appendix B.2). Nobody has trained this one to the end.
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/datasets/cifar10.py',
    '../_base_/models/cifar10_parts.py', '../_base_/schedules/cosine.py',
    '../_base_/augmentations/moco_v3.py'
]
work_dir = f'{_base_._root}/encoder'
# Without blur, which would leave little of 32x32 pixels.
_crop = dict(type='RandomResizedCrop', size=32, scale=(.2, 1.))
_flip = dict(type='RandomFlip')
# 400 epochs of 97 iterations.
train_cfg = dict(type='StreamTrainLoop', max_samples=400 * 97 * 512,
                 val_interval=50 * 97)
train_dataloader = dict(batch_size=512, dataset=dict(pipeline=[]))
model = dict(
    type='MoCoV3',
    data_preprocessor=dict(type='ImagePreprocessor'),
    encoder=_base_.encoder,
    views=[[_crop, *_base_._color, _flip],
           [_crop, *_base_._color, dict(type='Solarize', prob=.2), _flip]],
    predictor_hidden_dim=2048,
    temperature=.2,
    momentum=.99)
optim_wrapper = dict(
    dtype='bfloat16',
    optimizer=dict(_delete_=True, type='AdamW', base_lr=1.5e-4,
                   weight_decay=.1))
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
