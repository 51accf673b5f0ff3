"""The parts of RCG for 16x16 digits, untrained.

A leaf that uses a part adds where its weights are:
``dict(encoder, checkpoint=..., prefix='encoder.')``.
"""
encoder = dict(type='ConvEncoder', widths=(32, 64, 128, 128),
               strides=(2, 2, 2, 1), projector_hidden_dim=256,
               projector_dim=64)

# f = 4: 16 tokens of 64 codes. One group a norm: with 32 channels in 32
# groups every norm would remove the image's contrast.
tokenizer = dict(type='VQGAN', dim=32, dim_mult=(1, 1, 1), num_res_blocks=0,
                 norm_groups=1, z_dim=8, num_codes=64)

# f = 4: 4 channels of 4x4 places. The scale is 1 over the standard deviation
# of latents, 1.19, of the training digits after configs/digits/latents.py.
_latents = dict(type='AutoencoderKL', dim=32, dim_mult=(1, 1, 1),
                num_res_blocks=0, norm_groups=1, z_dim=4, attention=False,
                scale=.84)

rdm = dict(
    type='RDM',
    denoiser=dict(type='DenoisingMLP', rep_dim=64, width=256, num_blocks=3),
    diffusion=dict(type='GaussianDiffusion', parameterization='x0',
                   schedule='scaled_linear', beta_start=.0015,
                   beta_end=.0195),
    sampler=dict(type='DDIMSampler', num_steps=100, eta=1.))

# Untied head and wide embeddings: with the published initialisation a model
# of this width barely learns.
generator = dict(
    type='MAGE',
    network=dict(
        type='MAGEViT', num_codes=64, num_tokens=16,
        encoder=dict(dim=96, depth=3, num_heads=3),
        decoder=dict(dim=96, depth=2, num_heads=3),
        condition=dict(type='RepresentationCondition', rep_dim=64,
                       drop_prob=.1),
        drop=0., embedding=dict(std=1., position_std=.5, tied_head=False),
        class_tokens=(1, 0)),
    mask_ratio=dict(mean=.75, std=.25, low=.5, high=1.),
    label_smoothing=.1, num_steps=12, temperature=1.5)
