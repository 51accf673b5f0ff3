"""The parts of DLC for ImageNet: codes of 512 tokens, 256 codes each.

As published (arXiv:2507.12318 and its code). There are two priors: ``_sedd``
is the published one, ``_prior`` masked diffusion of the same size that does
not read the noise (README.md).
"""
custom_imports = dict(imports=['rcg.projects.dlc'],
                      allow_failed_imports=False)
# DINOv2 ViT-L/14 with four registers. The head reads class and register
# tokens, 5 times 1024 values: 671 M parameters.
_encoder = dict(
    type='SimplicialEncoder',
    encoder=dict(type='PrefixTokens', pretrained=False, input_size=224,
                 model='vit_large_patch14_reg4_dinov2.lvd142m'),
    num_tokens=512, num_codes=256, out_dim=1024)
_frozen_encoder = dict(
    _encoder,
    checkpoint='{{$RCG_WEIGHTS:checkpoints}}/dlc_encoder.safetensors')
# 4096 steps, and tokens hidden again between the times .3 and .55, as in the
# published command of the best FID.
_network = dict(num_tokens=512, num_codes=256, dim=1024, depth=24,
                num_heads=16, drop=.1)
_steps = dict(num_steps=4096, eta=.01, interval=(.3, .55))
_prior = dict(  # 303 M parameters
    type='CodeDiffuser',
    denoiser=dict(type='CodeTransformer', **_network),
    diffusion=dict(type='AbsorbingDiffusion'),
    sampler=dict(type='UnmaskingSampler', **_steps))
_sedd = dict(  # 323 M parameters
    type='CodeDiffuser',
    denoiser=dict(type='ScoreTransformer', **_network),
    diffusion=dict(type='ScoreEntropyDiffusion'),
    sampler=dict(type='ScoreSampler', **_steps))
