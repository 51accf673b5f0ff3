"""RCG with a DiT over latents on digits, and the base of LDM and ADM.

    python tools/train.py configs/digits/dit.py

Needs encoder, latents, RDM and classifier (configs/digits/*.py).
"""
_base_ = './mage.py'
work_dir = f'{_base_._root}/dit'
model = dict(
    tokenizer=dict(_base_._latents, _delete_=True,
                   checkpoint=f'{_base_._root}/latents', prefix='tokenizer.'),
    generator=dict(
        _delete_=True, type='DiffusionGenerator',
        network=dict(
            type='DiT', input_size=4, patch_size=1, in_channels=4, dim=96,
            depth=5, num_heads=3,
            condition=dict(type='RepresentationCondition', rep_dim=64,
                           drop_prob=.1)),
        # Far better here than eps and linear betas, which spend most steps
        # on what is nearly noise: FD 4.1 and 8.3 without representation.
        diffusion=dict(type='GaussianDiffusion', parameterization='v',
                       schedule='cosine', learn_variance=True),
        sampler=dict(type='DPMSolverSampler', num_steps=20)))
# Of 2e-3, 4e-3 and 8e-3 the best, by train/fd, of the baseline.
optim_wrapper = dict(optimizer=dict(lr=8e-3, weight_decay=0.))
_average = dict(type='TrainableEMAHook', decay=.99)
custom_hooks = [*_base_.custom_hooks, _average]
# Of the baselines, which have no representations to compute.
_uncond_hooks = [
    dict(type='CacheFeaturesHook', cache_dir=f'{_base_._root}/features',
         names=['codes']),
    dict(type='SampleGridHook', interval=300, num_images=40),
    _average,
]
