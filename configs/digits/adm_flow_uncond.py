"""The unconditional baseline of adm_flow.py: same size, steps and data.

    python tools/train.py configs/digits/adm_flow_uncond.py
"""
_base_ = './adm_flow.py'
work_dir = f'{_base_._root}/adm_flow_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
custom_hooks = _base_._uncond_hooks
