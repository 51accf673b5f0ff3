"""Prior over the codes of ImageNet: 303 M parameters. Never run.

    bash tools/dist_train.sh projects/dlc/configs/imagenet/dlc_prior.py 4

Length, batch, rate and averages are those of the published SEDD. Augmented
views are not: it reads a code of each image, made once.
"""
_base_ = ['rcg::_base_/rdm_imagenet.py', './parts.py']
work_dir = 'work_dirs/dlc/dlc_prior'
# 4 processes with 128 codes each, 1.5 million steps.
train_dataloader = dict(
    batch_size=128, dataset=dict(pipeline=[
        dict(type='Resize', size=256), dict(type='CenterCrop', size=256)]))
train_cfg = dict(max_samples=1500000 * 512, val_interval=1500000)
default_hooks = dict(checkpoint=dict(interval=50000))
optim_wrapper = dict(
    dtype='bfloat16', clip_grad=dict(max_norm=1.),
    optimizer=dict(_delete_=True, type='AdamW', lr=3e-4, betas=(.9, .999),
                   weight_decay=0., fused=True))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=2500 / 1500000,
         by_epoch=False),
]
model = dict(_base_._prior, _delete_=True, encoder=_base_._frozen_encoder,
             data_preprocessor=dict(type='ImagePreprocessor'))
custom_hooks = [
    dict(type='TrainableEMAHook', decay=.9999),
    dict(type='CacheFeaturesHook', cache_dir='work_dirs/dlc/features',
         names=['representations'], num_workers=10),
]
# One-hot tokens have 131,072 dimensions, too many for a Frechet distance.
val_cfg = val_dataloader = val_evaluator = None
test_cfg = test_dataloader = test_evaluator = None
