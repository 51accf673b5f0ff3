"""MAGE-L without representations: what RCG is compared with.

    GPUS=64 bash tools/slurm_train.sh PARTITION mage_l_uncond \\
        configs/rcg/mage_l_uncond.py

Published (arXiv:2312.03701 table 1, MAGE-L without RCG): IS 123.5, FID 7.04
in the ADM suite; 64 V100 GPUs, 10.7 days. Recipe: see mage_b_uncond.py.
"""
_base_ = './mage_l.py'
work_dir = 'work_dirs/rcg/mage_l_uncond'
train_cfg = dict(max_samples=1600 * _base_._epoch_of_4096 * 4096)
param_scheduler = [
    dict(_base_.param_scheduler[0], end=10 / 1600),
    dict(_base_.param_scheduler[1], begin=10 / 1600),
]
model = dict(
    encoder=None, rdm=None,
    generator=dict(network=dict(condition=None), guidance_scale=1.))
