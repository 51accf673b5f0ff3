"""RCG with MAGE-H on ImageNet 256x256. Nothing is published about it.

    GPUS=64 bash tools/slurm_train.sh PARTITION mage_h configs/rcg/mage_h.py

The published code has this size (ViT-H) and no result or weights of it.
Recipe, encoder, temperature and guidance are those of mage_l.py: untried.
"""
_base_ = './mage_l.py'
work_dir = 'work_dirs/rcg/mage_h'
model = dict(generator=dict(network=dict(
    encoder=dict(dim=1280, depth=32, num_heads=16),
    decoder=dict(dim=1280, depth=8, num_heads=16))))
