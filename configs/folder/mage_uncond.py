"""The unconditional baseline: MAGE alone, same size, steps and images.

    export RCG_DATA=/path/to/images
    python tools/train.py configs/folder/mage_uncond.py

Its scores are in the space of the same encoder.
"""
_base_ = './mage.py'
work_dir = f'{_base_._root}/mage_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
custom_hooks = [
    dict(type='CacheFeaturesHook', cache_dir=f'{_base_._root}/features',
         names=['codes'], num_workers=_base_._num_workers),
    dict(type='SampleGridHook', interval=5000, num_images=64),
]
