"""RCG with a transformer over patches of pixels; there is no tokenizer.

    RCG_DATA=/path/to/images python tools/train.py configs/folder/pixels.py
    RCG_DATA=/path/to/images python tools/test.py configs/folder/pixels.py \\
        work_dirs/folder/pixels --out metrics.json

Needs the encoder and the RDM. Scores are those of mage.py.
"""
_base_ = './mage.py'
work_dir = f'{_base_._root}/pixels'
train_cfg = dict(max_samples=_base_._steps.pixels * _base_._batch.pixels)
train_dataloader = dict(batch_size=_base_._batch.pixels)
model = dict(
    tokenizer=dict(_delete_=True, type='Pixels'),
    generator=dict(_base_._pixel_generator, _delete_=True))
optim_wrapper = dict(optimizer=dict(
    type='AdamW', lr=_base_._lr.pixels, weight_decay=0.))
_average = dict(type='TrainableEMAHook', decay=_base_._ema)
# The codes that are stored are pixels: half the space is precise enough.
custom_hooks = [
    dict(type='CacheFeaturesHook', cache_dir=f'{_base_._root}/features',
         names=['codes', 'representations'], dtype='float16',
         num_workers=_base_._num_workers),
    dict(type='SampleGridHook', interval=5000, num_images=64),
    _average,
]
