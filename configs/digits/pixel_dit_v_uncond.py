"""The unconditional baseline of pixel_dit_v.py.

    python tools/train.py configs/digits/pixel_dit_v_uncond.py
"""
_base_ = './pixel_dit_v.py'
work_dir = f'{_base_._root}/pixel_dit_v_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
custom_hooks = _base_._uncond_hooks
