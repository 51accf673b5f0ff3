"""1,438 generated images, scored in the features of a digit classifier.

Distances are to the 359 held-out digits; ``train/fd``, to the training
digits, is the one to choose settings by.
"""
extractor = dict(type='ConvClassifier',
                 checkpoint='{{$RCG_ROOT:work_dirs/quickstart}}/classifier',
                 prefix='classifier.')
_real_train = dict(type='Digits', split='train')
_real_held_out = dict(type='Digits', split='test')

test_cfg = dict(type='TestLoop')
test_dataloader = dict(
    batch_size=100,
    num_workers=0,
    dataset=dict(type='SeedDataset', num_images=1438, seed=0),
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='SeedBatchSampler'),
    collate_fn=dict(type='rcg.collate_batch'))
test_evaluator = [
    dict(type='FrechetDistance', prefix='held_out', extractor=extractor,
         reference=_real_held_out),
    dict(type='FrechetDistance', prefix='train', extractor=extractor,
         reference=_real_train),
    dict(type='InceptionScore', prefix='held_out', extractor=extractor),
    dict(type='PrecisionRecall', prefix='held_out', extractor=extractor,
         reference=_real_held_out),
    dict(type='NearestTrain', prefix='held_out', extractor=extractor,
         train=_real_train, held_out=_real_held_out, num_pairs=16),
]
