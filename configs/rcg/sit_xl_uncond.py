"""SiT-XL/2 without representations: what sit_xl.py is compared with.

    GPUS=16 bash tools/slurm_train.sh PARTITION sit_xl_uncond \\
        configs/rcg/sit_xl_uncond.py

Not published; never trained here.
"""
_base_ = './sit_xl.py'
work_dir = 'work_dirs/rcg/sit_xl_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
