"""The RDM of RCG on ImageNet; all generators share it."""
# 12 blocks of width 1536: 62.7 million parameters.
rdm = dict(
    type='RDM',
    denoiser=dict(type='DenoisingMLP', rep_dim=256, width=1536,
                  num_blocks=12),
    diffusion=dict(type='GaussianDiffusion', parameterization='x0',
                   schedule='scaled_linear', beta_start=.0015,
                   beta_end=.0195),
    sampler=dict(type='DDIMSampler', num_steps=250, eta=1.))
