"""RCG with latent diffusion's U-Net on digits: it attends to representations.

    python tools/train.py configs/digits/ldm.py

Needs encoder, latents, RDM and classifier (configs/digits/*.py).
"""
_base_ = './dit.py'
work_dir = f'{_base_._root}/ldm'
model = dict(generator=dict(
    network=dict(
        _delete_=True, type='UNet', input_size=4, in_channels=4, dim=64,
        dim_mult=(1, 1), num_res_blocks=1, attention_levels=(0, 1),
        condition=dict(type='RepresentationCondition', rep_dim=64,
                       drop_prob=0., project=False),
        form=dict(context_dim=64, head_dim=32, scale_shift=False,
                  residual_resampling=False, learn_variance=False,
                  groups=8)),
    diffusion=dict(learn_variance=False)))
# Of 1e-3, 2e-3 and 4e-3 the best, by train/fd, of the baseline.
optim_wrapper = dict(optimizer=dict(lr=4e-3))
