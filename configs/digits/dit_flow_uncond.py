"""The unconditional baseline of dit_flow.py: same size, steps and data.

    python tools/train.py configs/digits/dit_flow_uncond.py
"""
_base_ = './dit_flow.py'
work_dir = f'{_base_._root}/dit_flow_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
custom_hooks = _base_._uncond_hooks
