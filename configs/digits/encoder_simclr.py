"""Encoder for digits: SimCLR (arXiv:2002.05709), in place of MoCo v3.

    python tools/train.py configs/digits/encoder_simclr.py

The network, the views and the length of encoder.py.
"""
_base_ = './encoder.py'
work_dir = f'{_base_._root}/encoder_simclr'
model = dict(
    _delete_=True,
    type='SimCLR',
    data_preprocessor=dict(type='ImagePreprocessor'),
    encoder=_base_.encoder,
    views=[_base_._view, _base_._view],
    temperature=.1)
