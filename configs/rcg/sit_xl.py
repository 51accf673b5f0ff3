"""RCG with SiT-XL/2 on ImageNet 256x256: dit_xl.py by flow matching.

    GPUS=16 bash tools/slurm_train.sh PARTITION sit_xl configs/rcg/sit_xl.py

The recipe of SiT (arXiv:2401.08740): DiT's network, the velocity on straight
lines, t drawn evenly, centre crop and flip, 16 x 16 images at a rate of 1e-4,
1,400 epochs (7.0 million steps). RCG has not been published with it, and it
has never been trained here; with labels: sit_xl_label.py. 80 epochs, as most
comparisons have: ``--cfg-options train_cfg.max_samples=102481920``.

It samples the ODE by Heun's method in 249 calls of the network. The SDE in
250, as in the paper's best rows:

    --cfg-options model.generator.sampler.type=EulerMaruyamaSampler \\
        model.generator.sampler.num_steps=250 model.generator.sampler.last=.04

``model.generator.guidance_scale=1.5`` guides three of the four channels.
"""
_base_ = './dit_xl.py'
work_dir = 'work_dirs/rcg/sit_xl'
train_dataloader = dict(dataset=dict(pipeline=[
    dict(type='Resize', size=256), dict(type='CenterCrop', size=256),
    dict(type='RandomFlip')]))
train_cfg = dict(max_samples=1400 * _base_._epoch_of_256 * 256)
default_hooks = dict(checkpoint=dict(interval=5 * _base_._epoch_of_256))
optim_wrapper = dict(optimizer=dict(betas=(.9, .999)))
model = dict(generator=dict(
    network=dict(learn_variance=False),
    diffusion=dict(_delete_=True, type='FlowMatching', parameterization='v'),
    sampler=dict(_delete_=True, type='HeunFlowSampler', num_steps=125)))
