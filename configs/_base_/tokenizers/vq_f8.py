"""VQ-f8 of latent diffusion: 16,384 codes of 4 channels, attention at 32x32.

256x256 pixels are latents (4, 32, 32), quantised only when decoded. The
checkpoint is the published file, converted; docs/model_zoo.md says from where
and how.
"""
tokenizer = dict(
    type='LatentVQGAN', dim=128, dim_mult=(1, 2, 2, 4), num_res_blocks=2,
    z_dim=4, code_dim=4, num_codes=16384, attention_levels=(3, ),
    checkpoint='{{$RCG_WEIGHTS:checkpoints}}/vq_f8.safetensors')
