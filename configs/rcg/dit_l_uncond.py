"""DiT-L/2 without representations: a row of the paper's table of costs.

    GPUS=128 bash tools/slurm_train.sh PARTITION dit_l_uncond \\
        configs/rcg/dit_l_uncond.py

Published (arXiv:2312.03701 table 11, DiT-L/2): FID 30.9. 458 M parameters.
Epochs and images a step are those of dit_xl.py here.
"""
_base_ = './dit_l.py'
work_dir = 'work_dirs/rcg/dit_l_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
