"""The unconditional baseline of rae_dit.py: same size, steps and data.

    python tools/train.py projects/rae/configs/digits/rae_dit_uncond.py
"""
_base_ = './rae_dit.py'
work_dir = f'{_base_._root}/rae_dit_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
custom_hooks = _base_._uncond_hooks
