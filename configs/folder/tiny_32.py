"""Preset: 32x32 pixels, two CPU cores, about half an hour.

    python tools/fit.py FOLDER --size 32 --time 25m

Numbers only. parts.py and the stages (encoder.py, ...) compute the rest.
"""
_base_ = '../_base_/datasets/folder.py'
_size = 32
_num_workers = 0  # decoded images are kept in memory
_dtype = 'float32'

_encoder = dict(type='ConvEncoder', widths=(32, 64, 128, 256),
                strides=(2, 2, 2, 1), projector_hidden_dim=512,
                projector_dim=128)
_rep_dim = 128

# 8x8 tokens at this size; one level of the tokenizer for each halving.
_grid = 8
_levels = (1, 2, 2, 4, 4, 4)  # widths, as multiples of dim
_tokenizer = dict(type='VQGAN', dim=32, num_res_blocks=1, norm_groups=8,
                  z_dim=16, num_codes=512)
_warmup = 100  # steps before the tokenizer quantizes
_codebook = dict(type='EMACodebook')

_rdm = dict(width=512, num_blocks=4)
_rdm_steps = 100

_mage = dict(dim=128, num_heads=4, depth=4, decoder_depth=2, drop=0.)
_num_steps = 12
_temperature = 4.5
_noise = .3

_steps = dict(encoder=400, tokenizer=1500, rdm=2000, mage=1500)
_batch = dict(encoder=256, tokenizer=32, rdm=256, mage=128)
_lr = dict(encoder=2e-3, tokenizer=2e-3, rdm=1e-3, mage=2e-3)
_ema = .999
