"""DiT-XL/2 without representations: what RCG is compared with.

    GPUS=128 bash tools/slurm_train.sh PARTITION dit_xl_uncond \\
        configs/rcg/dit_xl_uncond.py

Published (arXiv:2312.03701 table 1, DiT-XL/2 without RCG): IS 35.9, FID 27.32
in the ADM suite; 64 V100 GPUs, 9.1 days.
"""
_base_ = './dit_xl.py'
work_dir = 'work_dirs/rcg/dit_xl_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
