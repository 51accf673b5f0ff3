"""RCG with DiT-XL/2 on ImageNet 256x256: a transformer, 400 epochs.

    python tools/test.py configs/rcg/dit_xl.py checkpoints/dit_xl.safetensors
    GPUS=128 bash tools/slurm_train.sh PARTITION dit_xl configs/rcg/dit_xl.py

Published (arXiv:2312.03701 table 1, DiT-XL/2; 50,000 images): IS 143.2, FID
4.89 in the ADM suite, without guidance; without representations 35.9 and
27.32. 675 M parameters. This config samples without guidance, too; it is
trained for it, and ``--cfg-options model.generator.guidance_scale=1.5`` turns
it on, on three of the four channels as in the published code.

The published command has no warm-up, the paper says 100 epochs of it
(dit_xl_warmup.py); which one made 4.89 is not published.

128 processes with 16 images each (12 or 14 where memory is short: the
published README finds no difference); the paper's 400 epochs without
representations took 64 V100 GPUs 9.1 days. Sampling takes 250 steps: 0.2
images a second on a V100 as the paper reckons, 69 V100 hours for 50,000.
Other sizes: dit_l.py, and configs/_base_/models/dit_sizes.py.
"""
_base_ = [
    '../_base_/rcg_diffusion_imagenet.py', '../_base_/models/dit_sizes.py',
    '../_base_/tokenizers/kl_f8.py'
]
work_dir = 'work_dirs/rcg/dit_xl'
train_dataloader = dict(batch_size=16)
train_cfg = dict(type='StreamTrainLoop',
                 max_samples=400 * _base_._epoch_of_2048 * 2048)
default_hooks = dict(checkpoint=dict(interval=5 * _base_._epoch_of_2048))
optim_wrapper = dict(optimizer=dict(betas=(.9, .95)))
model = dict(
    tokenizer=_base_.tokenizer,
    generator=dict(
        network=dict(_base_._dit['xl'], type='DiT', input_size=32,
                     patch_size=2, in_channels=4,
                     condition=dict(drop_prob=.1)),
        guidance_scale=1., guidance=dict(channels=3)))
