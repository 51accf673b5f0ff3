"""LDM-8 without representations, 150 epochs: what RCG is compared with.

    GPUS=64 bash tools/slurm_train.sh PARTITION ldm_8_uncond \\
        configs/rcg/ldm_8_uncond.py

Published (arXiv:2312.03701 table 1, LDM-8 without RCG): IS 22.8, FID 39.13 in
the ADM suite. Its 150 epochs are those of table 11, 1.2 days of 64 V100 GPUs;
with representations there are 40. It attends to one learned vector.
"""
_base_ = './ldm_8.py'
work_dir = 'work_dirs/rcg/ldm_8_uncond'
train_cfg = dict(max_samples=150 * _base_._epoch_of_256 * 256)
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None,
                                         form=dict(context_dim=512))))
