"""RCG with ADM by the published README's command: 100 epochs.

    python tools/test.py configs/rcg/adm_100ep.py \\
        checkpoints/adm_100ep.safetensors
    GPUS=128 bash tools/slurm_train.sh PARTITION adm_100ep \\
        configs/rcg/adm_100ep.py

Published for 100 epochs (README of December 2023; 50,000 images): IS 108.9,
FID 7.21 against the validation images. That file is released, beside the one
of 400 epochs: docs/model_zoo.md.
"""
_base_ = './adm.py'
work_dir = 'work_dirs/rcg/adm_100ep'
train_cfg = dict(max_samples=100 * _base_._epoch_of_256 * 256)
