"""An RDM on ImageNet as published; a leaf adds the encoder.

Learning rate constant; weight decay on all parameters; the average is of the
denoiser alone and taken before each step.
"""
_base_ = [
    './default_runtime.py', './datasets/imagenet_256.py',
    './models/imagenet_rdm.py'
]
# 4 processes. On one, accumulate: optim_wrapper.accumulative_counts=4.
train_dataloader = dict(batch_size=128)
train_cfg = dict(type='StreamTrainLoop',
                 max_samples=200 * _base_._epoch_of_512 * 512,
                 val_interval=25 * _base_._epoch_of_512)
default_hooks = dict(checkpoint=dict(interval=2 * _base_._epoch_of_512))
optim_wrapper = dict(
    type='AutocastOptimWrapper', dtype='float32',
    # The published rate is 1e-6 * batch = 5.12e-4; base_lr is for 256.
    optimizer=dict(type='AdamW', base_lr=1e-6 * 256, weight_decay=.01,
                   fused=True))
model = dict(
    _base_.rdm,
    data_preprocessor=dict(type='ImagePreprocessor'))
custom_hooks = [
    dict(type='TrainableEMAHook', decay=.9999, only=('denoiser', ),
         before_step=True),
]

val_cfg = dict(type='ValLoop')
val_dataloader = dict(
    batch_size=500,
    num_workers=0,
    dataset=dict(type='SeedDataset', num_images=50000, seed=0),
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='SeedBatchSampler'),
    collate_fn=dict(type='rcg.collate_batch'))
test_cfg = dict(type='TestLoop')
test_dataloader = val_dataloader

# How far 50,000 generated representations are from those of real images; the
# loss says nothing about it. The paper's table 8 has the distance from the
# training images, 0.48; from the validation images it is 2.73. What 50,000
# real training images score is the floor: 0.38 and 2.47.
_images = dict(type='ImageNet', data_root=_base_._data_root,
               pipeline=[dict(type='Resize', size=256),
                         dict(type='CenterCrop', size=256)])
_train, _val = dict(_images, split='train'), dict(_images, split='val')
_distance = dict(type='RepresentationFrechetDistance',
                 real=dict(_train, num_images=50000))
# While training, from the validation images alone: there are fewer of them.
val_evaluator = dict(type='RepresentationFrechetDistance', name='fd_val',
                     reference=_val)
test_evaluator = [
    dict(_distance, name='fd_train', reference=_train),
    dict(_distance, name='fd_val', reference=_val),
]
