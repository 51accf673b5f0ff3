"""RCG with LDM-8 on ImageNet 256x256: a U-Net over latents, 40 epochs.

    python tools/test.py configs/rcg/ldm_8.py checkpoints/ldm_8.safetensors
    GPUS=64 bash tools/slurm_train.sh PARTITION ldm_8 configs/rcg/ldm_8.py

Published (arXiv:2312.03701 table 1, LDM-8; 50,000 images): IS 101.9, FID
11.30 in the ADM suite and 9.08 against the validation images (README of
December 2023); without representations 22.8 and 39.13. The paper counts 395 M
parameters, which the baselines have; with a context of 256 values, not 512,
it is 390 M.

64 processes with 4 images each. The paper's table 11 has 150 epochs without
representations (ldm_8_uncond.py): 1.2 days of 64 V100 GPUs. Latents are not
quantised until they are decoded, and not scaled.
"""
_base_ = [
    '../_base_/rcg_diffusion_imagenet.py', '../_base_/tokenizers/vq_f8.py'
]
work_dir = 'work_dirs/rcg/ldm_8'
train_dataloader = dict(batch_size=4)
train_cfg = dict(type='StreamTrainLoop',
                 max_samples=40 * _base_._epoch_of_256 * 256)
default_hooks = dict(checkpoint=dict(interval=_base_._epoch_of_256))
optim_wrapper = dict(optimizer=dict(
    # The published rate is 2.5e-7 * batch = 6.4e-5; base_lr is for 256.
    _delete_=True, type='AdamW', base_lr=2.5e-7 * 256, weight_decay=.01,
    fused=True))
model = dict(
    tokenizer=_base_.tokenizer,
    generator=dict(
        network=dict(
            type='UNet', input_size=32, in_channels=4, dim=256,
            dim_mult=(1, 2, 4), num_res_blocks=2, attention_levels=(0, 1, 2),
            condition=dict(project=False),
            form=dict(context_dim=256, head_dim=32, scale_shift=False,
                      residual_resampling=False, learn_variance=False)),
        diffusion=dict(schedule='scaled_linear', beta_start=.0015,
                       beta_end=.0195, learn_variance=False),
        sampler=dict(_delete_=True, type='DDIMSampler', num_steps=200,
                     eta=1.)))
# As the RDM's: taken before each step; embedded labels have no average.
custom_hooks = [
    dict(type='TrainableEMAHook', decay=.9999, before_step=True,
         only=[f'generator.network.{part}.' for part in (
             'time_embed', 'conv_in', 'down', 'middle', 'up', 'norm',
             'conv_out')]),
]
