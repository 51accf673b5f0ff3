"""JiT-L/16 without representations: what RCG is compared with.

    GPUS=32 bash tools/slurm_train.sh PARTITION jit_l_16_uncond \\
        configs/rcg/jit_l_16_uncond.py

Its context tokens are learned vectors and stand for nothing. Not published.
"""
_base_ = './jit_l_16.py'
work_dir = 'work_dirs/rcg/jit_l_16_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
