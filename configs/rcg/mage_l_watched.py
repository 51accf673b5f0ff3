"""MAGE-L as in mage_l.py, scored and archived every 40 epochs.

    GPUS=64 bash tools/slurm_train.sh PARTITION mage_l_watched \\
        configs/rcg/mage_l_watched.py

The published code does so. FID and IS of 10,000 images take about 0.3 % of the
training; _base_/evaluation/imagenet_watch.py says what they take elsewhere.
Each of the twenty archives takes 4.9 GB: weights and two moments of 408
million parameters.
"""
_base_ = ['./mage_l.py', '../_base_/evaluation/imagenet_watch.py']
work_dir = 'work_dirs/rcg/mage_l_watched'
train_cfg = dict(val_interval=40 * _base_._epoch_of_4096)
default_hooks = dict(checkpoint=dict(
    archive_interval=40 * _base_._epoch_of_4096))
