"""The unconditional baseline of adm.py: same size, steps and data.

    python tools/train.py configs/digits/adm_uncond.py
"""
_base_ = './adm.py'
work_dir = f'{_base_._root}/adm_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
custom_hooks = _base_._uncond_hooks
