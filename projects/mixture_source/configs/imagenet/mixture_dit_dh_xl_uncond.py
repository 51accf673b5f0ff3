"""DiT^DH-XL by flow from the mixture; the source alone knows the mode.

    bash tools/dist_train.sh \\
        projects/mixture_source/configs/imagenet/mixture_dit_dh_xl_uncond.py \\
        64

Published by MM-FM after 80 epochs, without guidance: FID 3.82, and 9.33 from
standard normal noise.
"""
_base_ = './mixture_dit_dh_xl.py'
work_dir = 'work_dirs/mixture_source/mixture_dit_dh_xl_uncond'
model = dict(generator=dict(network=dict(condition=dict(
    _delete_=True, type='UnusedCondition', rep_dim=768))))
