"""The parts of RCG for CIFAR-10, untrained. IDDPM draws pixels.

A leaf that uses the encoder or the RDM adds where its weights are.
"""
_base_ = './rdm_256.py'
# SimCLR's for CIFAR-10 (arXiv:2002.05709, appendix B.9).
encoder = dict(type='SmallResNet', depth=18, projector_hidden_dim=512,
               projector_dim=128)
rdm = dict(denoiser=dict(rep_dim=128))

tokenizer = dict(type='Pixels')

# IDDPM (arXiv:2102.09672). Attention at 16x16 and 8x8; all maps that have it
# are 256 wide, so that heads of 64 are the published four.
generator = dict(
    type='DiffusionGenerator',
    network=dict(
        type='UNet', input_size=32, in_channels=3, dim=128,
        dim_mult=(1, 2, 2, 2), num_res_blocks=3, attention_levels=(1, 2),
        condition=dict(type='RepresentationCondition', rep_dim=128,
                       drop_prob=0.),
        form=dict(head_dim=64, residual_resampling=False, drop=.3)),
    diffusion=dict(type='GaussianDiffusion', parameterization='eps',
                   schedule='cosine', num_timesteps=4000,
                   learn_variance=True, clip=1.),
    sampler=dict(type='DDPMSampler', num_steps=250))
