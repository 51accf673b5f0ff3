"""Preset: 128x128 pixels, one GPU of 24 GB.

    python tools/fit.py FOLDER --size 128

Numbers only. parts.py and the stages (encoder.py, ...) compute the rest. Not
run to the end on a GPU so far.
"""
_base_ = './small_64.py'
_size = 128

# 16x16 tokens.
_grid = 16
_tokenizer = dict(dim=96, num_codes=2048)

_mage = dict(dim=512, num_heads=8, depth=12, decoder_depth=6)
_num_steps = 20
_pixels = dict(dim=512, num_heads=8, depth=16, context_start=6,
               bottleneck_dim=128, time_mean=.4)
_steps = dict(tokenizer=50000, mage=200000, pixels=300000)
_batch = dict(tokenizer=32)
