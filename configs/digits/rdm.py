"""RDM on digits: a diffusion model over the encoder's representations.

    python tools/train.py configs/digits/rdm.py

Needs the encoder (configs/digits/encoder.py). 55 s on one CPU core. The
loss says nothing about the samples; ``representation/fd`` does.
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/datasets/digits.py',
    '../_base_/models/digits_parts.py', '../_base_/schedules/cosine.py'
]
work_dir = f'{_base_._root}/rdm'
encoder = dict(_base_.encoder, checkpoint=f'{_base_._root}/encoder',
               prefix='encoder.')
default_hooks = dict(checkpoint=dict(interval=500))
train_cfg = dict(type='StreamTrainLoop',
                 max_samples=1500 * 256, val_interval=750)
train_dataloader = dict(batch_size=256)
optim_wrapper = dict(optimizer=dict(lr=1e-3, weight_decay=.01))
model = dict(
    _base_.rdm, encoder=encoder,
    data_preprocessor=dict(type='ImagePreprocessor'))
val_cfg = dict(type='ValLoop')
val_dataloader = dict(
    batch_size=200, num_workers=0,
    dataset=dict(type='SeedDataset', num_images=1438, seed=0),
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='SeedBatchSampler'),
    collate_fn=dict(type='rcg.collate_batch'))
val_evaluator = dict(type='RepresentationFrechetDistance', encoder=encoder,
                     reference=_base_._held_out)
test_cfg = dict(type='TestLoop')
test_dataloader = val_dataloader
test_evaluator = val_evaluator
custom_hooks = [
    dict(type='TrainableEMAHook', decay=.999),
    dict(type='CacheFeaturesHook', cache_dir=f'{_base_._root}/features',
         names=['representations']),
]
