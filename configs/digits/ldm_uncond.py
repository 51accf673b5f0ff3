"""The unconditional baseline of ldm.py: same size, steps and data.

    python tools/train.py configs/digits/ldm_uncond.py

As published, it attends to one learned vector.
"""
_base_ = './ldm.py'
work_dir = f'{_base_._root}/ldm_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
custom_hooks = _base_._uncond_hooks
