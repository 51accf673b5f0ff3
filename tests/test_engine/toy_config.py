# A whole run in a second; --cfg-options of the tests change the rest.
_base_ = '../../configs/_base_/default_runtime.py'
custom_imports = dict(imports=['tests.test_engine.toy'])

model = dict(type='ToyModel', dropout=.1)

train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    dataset=dict(type='ToyDataset', size=26),
    sampler=dict(type='StreamSampler', seed=0),
    collate_fn=dict(type='default_collate'))
train_cfg = dict(type='StreamTrainLoop', max_iters=10, val_interval=5)

optim_wrapper = dict(
    type='AutocastOptimWrapper',
    dtype='float32',
    constructor='TwoGroupConstructor',
    optimizer=dict(type='AdamW', base_lr=.64, weight_decay=.1),
    clip_grad=dict(max_norm=1.))
param_scheduler = [
    dict(type='LinearLR', start_factor=.1, by_epoch=False, begin=0, end=3),
]

val_dataloader = dict(
    batch_size=4,
    dataset=dict(type='SeedDataset', num_images=10),
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='SeedBatchSampler'),
    collate_fn=dict(type='default_collate'))
val_cfg = dict(type='ValLoop')
val_evaluator = dict(type='ToyMetric')
test_dataloader, test_cfg, test_evaluator = (
    val_dataloader, dict(type='TestLoop'), val_evaluator)

default_hooks = dict(
    logger=dict(interval=1),
    checkpoint=dict(interval=2, max_keep_ckpts=2))
custom_hooks = [
    dict(type='TrainableEMAHook', decay=.9),
    dict(type='SampleGridHook', interval=5, num_images=7),
]
