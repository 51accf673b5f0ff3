"""pixel_dit.py predicting v: noise and image, not the image alone.

    python tools/train.py configs/digits/pixel_dit_v.py

What JiT (arXiv:2511.13720) compares with. The noise of all 48 values of a
patch has to come through, so there is no bottleneck.
"""
_base_ = './pixel_dit.py'
work_dir = f'{_base_._root}/pixel_dit_v'
model = dict(generator=dict(
    network=dict(form=dict(bottleneck_dim=None)),
    diffusion=dict(parameterization='v')))
