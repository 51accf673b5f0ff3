"""The unconditional baseline of dit.py: same size, steps and data.

    python tools/train.py configs/digits/dit_uncond.py
"""
_base_ = './dit.py'
work_dir = f'{_base_._root}/dit_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
custom_hooks = _base_._uncond_hooks
