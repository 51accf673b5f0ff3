"""Preset: 256x256 pixels, one GPU of 40 GB.

    python tools/fit.py FOLDER --size 256

Numbers only. parts.py and the stages (encoder.py, ...) compute the rest. Not
run to the end on a GPU so far.
"""
_base_ = './base_128.py'
_size = 256

_patches = 16
_levels = (1, 1, 2, 2, 4, 4)
_tokenizer = dict(dim=128, num_res_blocks=2)
_pixels = dict(dim=768, num_heads=12, depth=12, context_start=4,
               time_mean=.8, num_steps=50)
_batch = dict(tokenizer=16)
