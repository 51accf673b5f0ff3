"""Encoder of patches for digits: that of encoder.py with a map of 4x4 places.

    python tools/train.py configs/digits/encoder_patches.py

For dit_repa.py, whose tokens lie in a grid of 4x4.
"""
_base_ = './encoder.py'
work_dir = f'{_base_._root}/encoder_patches'
model = dict(encoder=dict(strides=(2, 2, 1, 1)))
