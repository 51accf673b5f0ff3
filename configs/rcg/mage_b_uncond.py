"""MAGE-B without representations: what RCG is compared with.

    GPUS=64 bash tools/slurm_train.sh PARTITION mage_b_uncond \\
        configs/rcg/mage_b_uncond.py

Published (arXiv:2312.03701 table 1, MAGE-B without RCG): IS 94.8, FID 8.67
in the ADM suite. How that model was trained is not in the published code:
this is RCG's recipe, without condition, for 1,600 epochs, which the paper's
table of costs names for MAGE-L. Temperature as in mage_b.py.
"""
_base_ = './mage_b.py'
work_dir = 'work_dirs/rcg/mage_b_uncond'
train_cfg = dict(max_samples=1600 * _base_._epoch_of_4096 * 4096)
param_scheduler = [
    dict(_base_.param_scheduler[0], end=10 / 1600),
    dict(_base_.param_scheduler[1], begin=10 / 1600),
]
model = dict(
    encoder=None, rdm=None,
    generator=dict(network=dict(condition=None), guidance_scale=1.))
