"""dit_repa.py without representations: aligned, and conditioned on nothing.

    python tools/train.py configs/digits/dit_repa_uncond.py
"""
_base_ = './dit_repa.py'
work_dir = f'{_base_._root}/dit_repa_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
custom_hooks = [
    dict(type='CacheFeaturesHook', cache_dir=f'{_base_._root}/features',
         names=['codes', 'patches']),
    dict(type='SampleGridHook', interval=300, num_images=40),
    _base_._average,
]
