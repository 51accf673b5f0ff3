"""ADM without representations: what RCG is compared with.

    GPUS=128 bash tools/slurm_train.sh PARTITION adm_uncond \\
        configs/rcg/adm_uncond.py

Published (arXiv:2312.03701 table 1, ADM without RCG): IS 39.7, FID 26.21 in
the ADM suite; 64 V100 GPUs, 14.3 days.
"""
_base_ = './adm.py'
work_dir = 'work_dirs/rcg/adm_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
