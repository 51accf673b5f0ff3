"""MAGE-B on iNaturalist 2021 without representations.

    RCG_DATA=/path/to/inat21 GPUS=64 bash tools/slurm_train.sh PARTITION \\
        inat21_uncond configs/inat21/mage_b_uncond.py

Published (arXiv:2312.03701 table 10): FID 8.64 of 100,000 images against the
100,000 validation images. Needs no RDM and no encoder.
"""
_base_ = './mage_b.py'
work_dir = 'work_dirs/inat21/mage_b_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
