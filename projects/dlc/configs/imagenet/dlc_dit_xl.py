"""DiT-XL/2 on discrete latent codes, ImageNet 256x256. Never run.

    bash tools/dist_train.sh projects/dlc/configs/imagenet/dlc_dit_xl.py 4

Published (arXiv:2507.12318, 800 epochs, 512 tokens of 256 codes; 50,000
images): FID 2.00 without guidance, 1.59 with a guidance scale of 1.5, here on
all four channels as in the published code. The encoder saw 142 million images
before it saw ImageNet; README.md compares.
"""
_base_ = ['rcg::rcg/dit_xl.py', './parts.py']
work_dir = 'work_dirs/dlc/dlc_dit_xl'
# 4 processes with 64 images each.
train_dataloader = dict(batch_size=64)
train_cfg = dict(max_samples=800 * _base_._epoch_of_256 * 256)
default_hooks = dict(checkpoint=dict(interval=5 * _base_._epoch_of_256))
optim_wrapper = dict(optimizer=dict(betas=(.9, .999)))
model = dict(
    encoder=dict(_base_._frozen_encoder, _delete_=True),
    rdm=dict(_base_._sedd, _delete_=True, checkpoint=(
        '{{$RCG_WEIGHTS:checkpoints}}/dlc_sedd.safetensors')),
    generator=dict(
        network=dict(condition=dict(
            _delete_=True, type='CodeCondition', num_tokens=512,
            num_codes=256, drop_prob=.1)),
        guidance_scale=1.5, guidance=dict(channels=None)))
