"""RCG with MAGE for a folder of images. Needs the other three stages.

    RCG_DATA=/path/to/images python tools/train.py configs/folder/mage.py
    RCG_DATA=/path/to/images python tools/test.py configs/folder/mage.py \\
        work_dirs/folder/mage --out metrics.json

For one GPU. FD is measured in the space of your own encoder, against your
images: it compares runs on the same folder, and nothing else.
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/datasets/folder_64.py',
    '../_base_/models/folder_64_parts.py', '../_base_/schedules/cosine.py'
]
work_dir = f'{_base_._root}/mage'
encoder = dict(_base_.encoder, checkpoint=f'{_base_._root}/encoder',
               prefix='encoder.')
train_cfg = dict(type='StreamTrainLoop', max_samples=100000 * 256)
train_dataloader = dict(batch_size=256)
model = dict(
    type='RCG',
    data_preprocessor=dict(type='ImagePreprocessor'),
    encoder=encoder,
    tokenizer=dict(_base_.tokenizer,
                   checkpoint=f'{_base_._root}/tokenizer',
                   prefix='tokenizer.'),
    rdm=dict(_base_.rdm, checkpoint=f'{_base_._root}/rdm'),
    generator=_base_.generator)
optim_wrapper = dict(
    dtype='bfloat16', clip_grad=dict(max_norm=3.),
    optimizer=dict(_delete_=True, type='AdamW', base_lr=1.5e-4 * 4,
                   betas=(.9, .95), weight_decay=.05))
test_cfg = dict(type='TestLoop')
test_dataloader = dict(
    batch_size=100, num_workers=0,
    dataset=dict(type='SeedDataset', num_images=5000, seed=0),
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='SeedBatchSampler'),
    collate_fn=dict(type='rcg.collate_batch'))
test_evaluator = dict(type='FrechetDistance', prefix='train',
                      extractor=encoder, reference=_base_._images)
custom_hooks = [
    dict(type='CacheFeaturesHook', cache_dir=f'{_base_._root}/features',
         names=['codes', 'representations'], num_workers=4),
    dict(type='SampleGridHook', interval=5000, num_images=64),
]
