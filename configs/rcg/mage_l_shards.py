"""MAGE-L as in mage_l.py, on images in tar shards instead of a folder.

    RCG_SHARDS=/path/to/shards GPUS=64 bash tools/slurm_train.sh PARTITION \\
        mage_l_shards configs/rcg/mage_l_shards.py

For storage that is slow to open a million files, and for images without
labels. Lengths are those of ImageNet: 800 epochs of 1.28 million images. A run
on the shards draws the same images in the same order as one on a folder whose
sorted files are theirs.
"""
_base_ = ['./mage_l.py', '../_base_/datasets/shards.py']
work_dir = 'work_dirs/rcg/mage_l_shards'
train_dataloader = dict(dataset=dict(_base_._shards, _delete_=True))
