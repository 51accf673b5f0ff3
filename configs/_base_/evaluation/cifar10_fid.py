"""FID and IS of 50,000 images, against the 50,000 training images.

The usual protocol of CIFAR-10. Features of the training images are computed
once. RCG_WEIGHTS names the folder with Inception; docs/model_zoo.md says
where it comes from.
"""
_base_ = '../datasets/cifar10.py'
extractor = dict(
    type='Inception',
    weights_path='{{$RCG_WEIGHTS:checkpoints}}/'
    'weights-inception-2015-12-05-6726825d.pth')
test_cfg = dict(type='TestLoop')
test_dataloader = dict(
    batch_size=500,
    num_workers=0,
    dataset=dict(type='SeedDataset', num_images=50000, seed=0),
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='SeedBatchSampler'),
    collate_fn=dict(type='rcg.collate_batch'))
test_evaluator = [
    dict(type='InceptionScore', extractor=extractor),
    dict(type='FrechetDistance', name='fid', prefix='train',
         extractor=extractor, reference=_base_._real_train),
]
