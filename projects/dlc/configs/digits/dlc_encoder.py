"""Encoder of discrete latent codes for digits: 16 tokens of 16 codes.

    python tools/train.py projects/dlc/configs/digits/dlc_encoder.py

The MoCo v3 of configs/digits/encoder.py with a simplicial embedding behind
its projector: same network, views and length.
"""
_base_ = ['rcg::digits/encoder.py', './parts.py']
work_dir = f'{_base_._root}/dlc_encoder'
model = dict(encoder=dict(_base_._encoder, _delete_=True))
