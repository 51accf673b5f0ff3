"""RCG with JiT-L/16 on ImageNet 256x256: the recipe of jit_b_16.py, larger.

    GPUS=32 bash tools/slurm_train.sh PARTITION jit_l_16 \\
        configs/rcg/jit_l_16.py

Nothing is published with representations. With labels: jit_l_16_label.py. 458
million parameters.
"""
_base_ = './jit_b_16.py'
work_dir = 'work_dirs/rcg/jit_l_16'
model = dict(generator=dict(network=_base_._jit['l']))
