"""KL-f8 of Stable Diffusion: 4 channels, drawn for every training step.

256x256 pixels are latents (4, 32, 32). 83.7 M parameters. The checkpoint is
the published file, converted; docs/model_zoo.md says from where and how. Its
two variants, ft-EMA and ft-MSE (which blurs more), make the same latents of an
image: a generator can be trained with one and sampled with the other.
"""
tokenizer = dict(
    type='AutoencoderKL', dim=128, dim_mult=(1, 2, 4, 4), num_res_blocks=2,
    z_dim=4, scale=.18215,
    checkpoint='{{$RCG_WEIGHTS:checkpoints}}/kl_f8.safetensors')
