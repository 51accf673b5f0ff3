"""RCG with DiT-L/2 on ImageNet 256x256: the size of the README's command.

    GPUS=128 bash tools/slurm_train.sh PARTITION dit_l configs/rcg/dit_l.py

The published README trains DiT-L/2 by this recipe, that of dit_xl.py, and
reports DiT-XL/2 only: of this size with representations nothing is published.
458 M parameters. That command watches the training with 25 steps of DDIM
(``ddim25``); README.md ("Quick looks") has the options.
"""
_base_ = './dit_xl.py'
work_dir = 'work_dirs/rcg/dit_l'
model = dict(generator=dict(network=_base_._dit['l']))
