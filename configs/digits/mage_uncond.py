"""The unconditional baseline: MAGE alone, same size, steps and data.

    python tools/train.py configs/digits/mage_uncond.py
"""
_base_ = './mage.py'
work_dir = f'{_base_._root}/mage_uncond'
model = dict(
    encoder=None, rdm=None,
    # Its best by train/fd, of .5, 1.5, 4.5 and 9.
    generator=dict(network=dict(condition=None), temperature=4.5))
custom_hooks = [
    dict(type='CacheFeaturesHook', cache_dir=f'{_base_._root}/features',
         names=['codes']),
    dict(type='SampleGridHook', interval=300, num_images=40),
]
