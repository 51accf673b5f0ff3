# A test run of 2,000 images, metrics with sums and metrics with rows.
_base_ = '../../configs/_base_/default_runtime.py'
custom_imports = dict(imports=['tests.test_engine.toy_painter'])
model = dict(type='ToyPainter')

test_cfg = dict(type='TestLoop')
test_dataloader = dict(
    batch_size=24,  # 84 batches, the last one not full
    dataset=dict(type='SeedDataset', num_images=2000, seed=3),
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='SeedBatchSampler'),
    collate_fn=dict(type='default_collate'))
_extractor = dict(type='ToyExtractor')
_reference = dict(type='ToyImages')
test_evaluator = [
    dict(type='FrechetDistance', extractor=_extractor, reference=_reference),
    dict(type='InceptionScore', extractor=_extractor),
    dict(type='PrecisionRecall', extractor=_extractor, reference=_reference),
]
