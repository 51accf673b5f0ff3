"""DiT by flow from the mixture; the source alone knows the mode.

    python tools/train.py \\
        projects/mixture_source/configs/digits/mixture_dit_uncond.py
"""
_base_ = './mixture_dit.py'
work_dir = f'{_base_._root}/mixture_dit_uncond'
model = dict(generator=dict(network=dict(condition=dict(
    _delete_=True, type='UnusedCondition', rep_dim=64))))
