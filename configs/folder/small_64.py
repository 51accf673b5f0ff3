"""Preset: 64x64 pixels, one GPU of 8 GB.

    python tools/fit.py FOLDER --size 64

Numbers only. parts.py and the stages (encoder.py, ...) compute the rest. Not
run to the end on a GPU so far.
"""
_base_ = '../_base_/datasets/folder.py'
_size = 64
_dtype = 'bfloat16'

_encoder = dict(
    type='MoCoV3ViT',
    vit=dict(embed_dim=384, depth=12, num_heads=6),
    projector_hidden_dim=2048, projector_dim=256)
_rep_dim = 256
_contrast = dict(type='MoCoV3', predictor_hidden_dim=2048, temperature=.2,
                 momentum=.99)
_patches = 8  # of the ViT, in each direction

# 8x8 tokens at this size; one level of the tokenizer for each halving.
_grid = 8
_levels = (1, 2, 2, 4, 4, 4)  # widths, as multiples of dim
_tokenizer = dict(type='VQGAN', dim=64, num_res_blocks=1, z_dim=32,
                  num_codes=1024)
_warmup = 1000
_codebook = dict(type='EMACodebook')

_rdm = dict(width=1024, num_blocks=6)
_rdm_steps, _rdm_eta = 250, 1.  # as published

_mage = dict(dim=384, num_heads=6, depth=8, decoder_depth=4, drop=.1)
_num_steps = 16
# The transformer over pixels, which needs no tokenizer: patches of 8x8 pixels
# at this size, as large as what a token stands for.
_pixels = dict(dim=384, num_heads=6, depth=12, context_start=4,
               bottleneck_dim=64, time_mean=0., num_steps=25)
_temperature = 3.
_noise = .3

_steps = dict(encoder=50000, tokenizer=30000, rdm=50000, mage=100000,
              pixels=150000)
_batch = dict(encoder=256, tokenizer=64, rdm=512, mage=256,
              pixels=256)
_lr = dict(encoder=1.5e-4, tokenizer=5e-4, rdm=5e-4, mage=6e-4,
           pixels=3e-4)
_optimizer = 'AdamW'  # of MAGE
_ema = .9999
