"""RDM for a folder of images. Needs configs/folder/encoder.py.

    RCG_DATA=/path/to/images python tools/train.py configs/folder/rdm.py
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/datasets/folder_64.py',
    '../_base_/models/folder_64_parts.py', '../_base_/schedules/cosine.py'
]
work_dir = f'{_base_._root}/rdm'
encoder = dict(_base_.encoder, checkpoint=f'{_base_._root}/encoder',
               prefix='encoder.')
train_cfg = dict(type='StreamTrainLoop',
                 max_samples=50000 * 512, val_interval=5000)
train_dataloader = dict(batch_size=512)
model = dict(
    _base_.rdm, encoder=encoder,
    data_preprocessor=dict(type='ImagePreprocessor'))
optim_wrapper = dict(
    dtype='bfloat16', optimizer=dict(lr=5e-4, weight_decay=.01))

# How far generated representations are from real ones.
val_cfg = dict(type='ValLoop')
val_dataloader = dict(
    batch_size=500, num_workers=0,
    dataset=dict(type='SeedDataset', num_images=5000, seed=0),
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='SeedBatchSampler'),
    collate_fn=dict(type='rcg.collate_batch'))
val_evaluator = dict(type='RepresentationFrechetDistance', encoder=encoder,
                     reference=_base_._images)
test_cfg = dict(type='TestLoop')
test_dataloader = val_dataloader
test_evaluator = val_evaluator
custom_hooks = [
    dict(type='TrainableEMAHook', decay=.9999),
    dict(type='CacheFeaturesHook', cache_dir=f'{_base_._root}/features',
         names=['representations'], num_workers=4),
]
