"""Ablation: MAGE-B, 200 epochs, conditioned on class labels.

    GPUS=64 bash tools/slurm_train.sh PARTITION mage_b_200ep_label \\
        configs/rcg/mage_b_200ep_label.py

Published (arXiv:2312.03701 table 9a, "class label"): FID 5.83 against the
validation images, IS 147.3. mage_b_200ep.py, with RCG, has 5.07 and 142.5.
"""
_base_ = './mage_b_label.py'
work_dir = 'work_dirs/rcg/mage_b_200ep_label'
train_dataloader = dict(dataset=dict(pipeline=_base_._center_crop_292))
train_cfg = dict(max_samples=200 * _base_._epoch_of_4096 * 4096)
param_scheduler = _base_._scheduler_200_epochs
