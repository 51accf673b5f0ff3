"""DiT^DH-XL by flow from the mixture, told which mode: MM-FM on ImageNet.

    bash tools/dist_train.sh \\
        projects/mixture_source/configs/imagenet/mixture_dit_dh_xl.py 64

Published by MM-FM (mm-flow.github.io) after 80 epochs, without labels: FID
3.18, and 2.74 by autoguidance. Network, rates (which fall in
the last 95 % of the run) and sampler are RAE's; the length is MM-FM's. Needs
mixture_codes.py.
"""
_base_ = ['../../../rae/configs/imagenet/dit_dh_xl.py', './parts.py']
custom_imports = dict(
    imports=['rcg.projects.rae', 'rcg.projects.mixture_source'],
    allow_failed_imports=False)
work_dir = 'work_dirs/mixture_source/mixture_dit_dh_xl'
train_cfg = dict(max_samples=80 * _base_._epoch_of_1024 * 1024)
model = dict(
    encoder=dict(_base_._mode_encoder, _delete_=True),
    rdm=dict(_base_._clusters, _delete_=True),
    generator=dict(
        network=dict(condition=dict(
            _delete_=True, type='ClusterCondition',
            clusters=_base_._clusters, drop_prob=.1)),
        source=dict(type='MixtureSource', mixture=dict(
            _base_._of_codes, prefix='mixture.',
            checkpoint='work_dirs/mixture_source/mixture_codes'))))
