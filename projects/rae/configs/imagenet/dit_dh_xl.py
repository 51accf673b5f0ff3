"""RCG with the published DiT^DH-XL over RAE codes on ImageNet 256x256.

    bash tools/dist_train.sh projects/rae/configs/imagenet/dit_dh_xl.py 64

RAE (arXiv:2510.11690) has published it with labels (dit_dh_xl_label.py) and
without a condition, not with representations. Network, times, sampler, batch,
rates and average are the published ones: 28 blocks of width 1152 and a head of
2 blocks of width 2048 with RMSNorm, SwiGLU and rotary positions, 838 M
parameters; t drawn evenly and shifted by sqrt(16 * 16 * 768 / 4096); 50 Euler
steps, shifted likewise.

Needs tokenizer.py beside this file, and the encoder and RDM of
configs/rcg/dit_xl.py. 64 processes with 16 images each.
"""
_base_ = ['rcg::_base_/rcg_diffusion_imagenet.py', './parts.py']
custom_imports = dict(imports=['rcg.projects.rae'],
                      allow_failed_imports=False)
work_dir = 'work_dirs/rae/dit_dh_xl'
_epoch_of_1024 = 1251  # 64 x 16
_shift = (_base_._channels * _base_._grid_size**2 / 4096)**.5
train_dataloader = dict(batch_size=16)
train_cfg = dict(type='StreamTrainLoop',
                 max_samples=800 * _epoch_of_1024 * 1024)
default_hooks = dict(checkpoint=dict(interval=5 * _epoch_of_1024))
model = dict(
    tokenizer=dict(_base_._autoencoder, prefix='tokenizer.',
                   checkpoint='work_dirs/rae/tokenizer'),
    generator=dict(
        network=dict(
            type='DiT', input_size=_base_._grid_size, patch_size=1,
            in_channels=_base_._channels, dim=1152, depth=28, num_heads=16,
            learn_variance=False, condition=dict(drop_prob=.1),
            form=dict(rms_norm=True, swiglu=True, rotary=True,
                      head=dict(dim=2048, depth=2, num_heads=16))),
        diffusion=dict(
            _delete_=True, type='FlowMatching', parameterization='v',
            times=dict(type='UniformTimes', shift=_shift)),
        sampler=dict(_delete_=True, type='EulerSampler', num_steps=50,
                     shift=_shift)))
optim_wrapper = dict(dtype='bfloat16',
                     optimizer=dict(lr=2e-4, betas=(.9, .95)))
# From epoch 40 to 800 linearly to 2e-5.
param_scheduler = [
    dict(type='LinearLR', start_factor=1., end_factor=.1, begin=40 / 800,
         end=1., by_epoch=False),
]
custom_hooks = [dict(type='TrainableEMAHook', decay=.9995, warmup=False)]
