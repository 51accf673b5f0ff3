"""IDDPM on CIFAR-10 without representations: what RCG is compared with.

    python tools/train.py configs/cifar10/iddpm_uncond.py

Needs no other stage. Published (arXiv:2312.03701, table 10): FID 3.29 of
50,000 images against the training images.
"""
_base_ = './iddpm.py'
work_dir = f'{_base_._root}/iddpm_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
