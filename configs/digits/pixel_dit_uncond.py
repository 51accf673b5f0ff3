"""The unconditional baseline of pixel_dit.py: same size, steps and data.

    python tools/train.py configs/digits/pixel_dit_uncond.py
"""
_base_ = './pixel_dit.py'
work_dir = f'{_base_._root}/pixel_dit_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
custom_hooks = _base_._uncond_hooks
