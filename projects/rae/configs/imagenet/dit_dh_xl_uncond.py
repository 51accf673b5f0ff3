"""dit_dh_xl.py without a condition.

    bash tools/dist_train.sh \\
        projects/rae/configs/imagenet/dit_dh_xl_uncond.py 64

Published: FID 4.96 (arXiv:2510.11690).
"""
_base_ = './dit_dh_xl.py'
work_dir = 'work_dirs/rae/dit_dh_xl_uncond'
model = dict(encoder=None, rdm=None,
             generator=dict(network=dict(condition=None)))
