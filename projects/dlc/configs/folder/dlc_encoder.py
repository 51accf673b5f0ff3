"""Encoder of discrete latent codes for a folder: 16 tokens of 16 codes.

    RCG_DATA=/path/to/images \\
        python tools/train.py projects/dlc/configs/folder/dlc_encoder.py

The encoder of the preset with a simplicial embedding behind its projector:
same views and length.
"""
_base_ = ['rcg::folder/encoder.py', './parts.py']
work_dir = f'{_base_._root}/dlc_encoder'
model = dict(encoder=dict(_base_._head, _delete_=True, encoder=_base_.encoder))
