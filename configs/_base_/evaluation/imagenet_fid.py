"""FID and IS of 50,000 images, against ImageNet's validation images.

The real images are made as the published ones were (prepare_imgnet_val.py):
bilinear, centre crop, never JPEG. Numbers against the training statistics of
the ADM suite, as in the final paper, are lower and not comparable.
"""
_weights = '{{$RCG_WEIGHTS:checkpoints}}'
_real = dict(
    type='ImageNet', data_root='{{$RCG_DATA:data/imagenet}}', split='val',
    pipeline=[dict(type='Resize', size=256, interpolation='bilinear'),
              dict(type='CenterCrop', size=256)])
extractor = dict(
    type='Inception',
    weights_path=f'{_weights}/weights-inception-2015-12-05-6726825d.pth')

test_cfg = dict(type='TestLoop')
test_dataloader = dict(
    batch_size=50,
    num_workers=0,
    dataset=dict(type='SeedDataset', num_images=50000, seed=0),
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='SeedBatchSampler'),
    collate_fn=dict(type='rcg.collate_batch'))
test_evaluator = [
    dict(type='FrechetDistance', name='fid', prefix='val',
         extractor=extractor, reference=_real),
    dict(type='InceptionScore', prefix='val', extractor=extractor),
]
