"""RCG with ADM on ImageNet 256x256: a U-Net over pixels, 400 epochs.

    python tools/test.py configs/rcg/adm.py checkpoints/adm.safetensors
    GPUS=128 bash tools/slurm_train.sh PARTITION adm configs/rcg/adm.py

Published (arXiv:2312.03701 table 1, ADM; 50,000 images): IS 136.9, FID 6.24
in the ADM suite; without representations 39.7 and 26.21. 554 M parameters.
adm_100ep.py is the README's command.

128 processes with 2 images each; the paper's 400 epochs without
representations took 64 V100 GPUs 14.3 days. Sampling takes 250 steps: 0.05
images a second on a V100 as the paper reckons, 278 V100 hours for 50,000.
"""
_base_ = [
    '../_base_/rcg_diffusion_imagenet.py', '../_base_/tokenizers/pixels.py'
]
work_dir = 'work_dirs/rcg/adm'
train_dataloader = dict(batch_size=2)
train_cfg = dict(type='StreamTrainLoop',
                 max_samples=400 * _base_._epoch_of_256 * 256)
default_hooks = dict(checkpoint=dict(interval=_base_._epoch_of_256))
model = dict(
    tokenizer=_base_.tokenizer,
    generator=dict(
        network=dict(
            type='UNet', input_size=256, in_channels=3, dim=256,
            dim_mult=(1, 1, 2, 2, 4, 4), num_res_blocks=2,
            attention_levels=(3, 4, 5)),  # 32x32, 16x16, 8x8
        diffusion=dict(clip=1.)))  # pixels are in [-1, 1]
