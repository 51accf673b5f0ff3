"""Ablation: MAGE-B, 200 epochs, no representation.

    GPUS=64 bash tools/slurm_train.sh PARTITION mage_b_200ep_uncond \\
        configs/rcg/mage_b_200ep_uncond.py

Published (arXiv:2312.03701 table 9a, "none"): FID 14.23, IS 57.7 against the
validation images. mage_b_200ep.py is the row with RCG: 5.07 and 142.5.
"""
_base_ = './mage_b_200ep.py'
work_dir = 'work_dirs/rcg/mage_b_200ep_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
