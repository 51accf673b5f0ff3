"""Ablation: RCG with MAGE-B, 100 epochs.

    GPUS=64 bash tools/slurm_train.sh PARTITION mage_b_100ep \\
        configs/rcg/mage_b_100ep.py

A row of table 9b of arXiv:2312.03701 (epochs of MAGE-B), without guidance,
against the validation images; mage_b_200ep.py is the row of 200 epochs, FID
5.07, and has the same images and the same RDM.
"""
_base_ = './mage_b_200ep.py'
work_dir = 'work_dirs/rcg/mage_b_100ep'
train_cfg = dict(max_samples=100 * _base_._epoch_of_4096 * 4096)
param_scheduler = [
    dict(_base_.param_scheduler[0], end=10 / 100),
    dict(_base_.param_scheduler[1], begin=10 / 100),
]
