"""The unconditional baseline of pixels.py: same size, steps and images.

    export RCG_DATA=/path/to/images
    python tools/train.py configs/folder/pixels_uncond.py
"""
_base_ = './pixels.py'
work_dir = f'{_base_._root}/pixels_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
custom_hooks = [
    dict(type='CacheFeaturesHook', cache_dir=f'{_base_._root}/features',
         names=['codes'], dtype='float16', num_workers=_base_._num_workers),
    dict(type='SampleGridHook', interval=5000, num_images=64),
    _base_._average,
]
