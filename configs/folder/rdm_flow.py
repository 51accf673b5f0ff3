"""rdm.py by flow matching, which draws in fewer steps.

    RCG_DATA=/path/to/images python tools/train.py configs/folder/rdm_flow.py
"""
_base_ = './rdm.py'
work_dir = f'{_base_._root}/rdm_flow'
model = dict(diffusion=_base_._rdm_flow.diffusion,
             sampler=_base_._rdm_flow.sampler)
