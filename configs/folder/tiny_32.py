"""Preset: 32x32 pixels, two CPU cores, about half an hour.

    python tools/fit.py FOLDER --size 32 --time 25m

Numbers only. parts.py and the stages (encoder.py, ...) compute the rest.
"""
_base_ = '../_base_/datasets/folder.py'
_size = 32
_num_workers = 0  # images are kept in memory
_dtype = 'float32'  # tools/fit.py measures whether bfloat16 is faster

_encoder = dict(type='ConvEncoder', widths=(32, 64, 128, 256, 256),
                strides=(2, 2, 2, 2, 2), projector_hidden_dim=256,
                projector_dim=32)
# As good for nearest neighbors as 64 on 3,401 emojis. And with 385 held-out
# images, FD has a floor that grows with the square of it: 0.9 instead of 3.3.
_rep_dim = 32
_contrast = dict(type='SimCLR', temperature=.1)

# 8x8 tokens at this size; one level of the tokenizer for each halving.
_grid = 8
_levels = (1, 1, 1, 1, 1, 1)  # widths, as multiples of dim
_tokenizer = dict(type='VQGAN', dim=32, num_res_blocks=0, norm_groups=1,
                  z_dim=16, num_codes=512)
_warmup = 100  # steps before the tokenizer quantizes
_codebook = dict(type='EMACodebook')

_rdm = dict(width=256, num_blocks=4)
_rdm_steps, _rdm_eta = 50, 0.  # see README.md

_mage = dict(dim=96, num_heads=3, depth=3, decoder_depth=2, drop=0.)
_num_steps = 12
# The transformer over pixels, which needs no tokenizer: patches of 4x4 pixels
# at this size, as large as what a token stands for.
_pixels = dict(dim=96, num_heads=3, depth=5, context_start=2,
               bottleneck_dim=32, time_mean=0., num_steps=10)
_temperature = 4.5
_noise = .3

_steps = dict(encoder=600, tokenizer=3000, rdm=2000, mage=4000,
              pixels=3000)
_batch = dict(encoder=128, tokenizer=16, rdm=256, mage=32, pixels=64)
_lr = dict(encoder=1e-3, tokenizer=3e-3, rdm=1e-3, mage=8e-3,
           pixels=3e-3)
_optimizer = 'MuonAdamW'  # of MAGE
_ema = .999
