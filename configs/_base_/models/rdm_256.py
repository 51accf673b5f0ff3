"""An RDM for representations of 256 values, small enough for one GPU."""
rdm = dict(
    type='RDM',
    denoiser=dict(type='DenoisingMLP', rep_dim=256, width=1024,
                  num_blocks=6),
    diffusion=dict(type='GaussianDiffusion', parameterization='x0',
                   schedule='scaled_linear', beta_start=.0015,
                   beta_end=.0195),
    sampler=dict(type='DDIMSampler', num_steps=250, eta=1.))
