"""The parts of RCG for 64x64 images on one GPU, untrained."""
encoder = dict(
    type='MoCoV3ViT', img_size=64,
    vit=dict(patch_size=8, embed_dim=384, depth=12, num_heads=6),
    projector_hidden_dim=2048, projector_dim=256)

# f = 8: 64 tokens of 1,024 codes.
tokenizer = dict(type='VQGAN', dim=64, dim_mult=(1, 2, 2, 4),
                 num_res_blocks=1, z_dim=32, num_codes=1024)

rdm = dict(
    type='RDM',
    denoiser=dict(type='DenoisingMLP', rep_dim=256, width=1024,
                  num_blocks=6),
    diffusion=dict(type='GaussianDiffusion', parameterization='x0',
                   schedule='scaled_linear', beta_start=.0015,
                   beta_end=.0195),
    sampler=dict(type='DDIMSampler', num_steps=250, eta=1.))

generator = dict(
    type='MAGE',
    network=dict(
        type='MAGEViT', num_codes=1024, num_tokens=64,
        encoder=dict(dim=384, depth=8, num_heads=6),
        decoder=dict(dim=384, depth=4, num_heads=6),
        condition=dict(type='RepresentationCondition', rep_dim=256,
                       drop_prob=.1),
        drop=.1, embedding=dict(std=1., position_std=.5, tied_head=False),
        class_tokens=(1, 0)),
    num_steps=16, temperature=3.)
