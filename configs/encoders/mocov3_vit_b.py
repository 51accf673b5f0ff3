"""MoCo v3 ViT-B/16 on ImageNet, 300 epochs: an encoder of one's own.

    GPUS=128 bash tools/slurm_train.sh PARTITION mocov3_vit_b \\
        configs/encoders/mocov3_vit_b.py

The recipe of arXiv:2104.02057 and of its published code: 128 processes with 32
images each, 40 epochs of warm-up and a cosine. RCG takes the released weights
of that code (docs/model_zoo.md). This is for heads of another width
(mocov3_vit_b_proj_*.py). Nobody has trained it to the end here. Views are cut
from 256x256 pixels of the image, not from all of it.
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/datasets/imagenet_256.py',
    '../_base_/encoders/mocov3_vit_b.py', '../_base_/augmentations/moco_v3.py'
]
work_dir = 'work_dirs/encoders/mocov3_vit_b'
train_cfg = dict(type='StreamTrainLoop',
                 max_samples=300 * _base_._epoch_of_4096 * 4096,
                 val_interval=25 * _base_._epoch_of_4096)
# The views flip for themselves.
train_dataloader = dict(batch_size=32, dataset=dict(
    pipeline=_base_._random_crop[:2]))
default_hooks = dict(checkpoint=dict(interval=5 * _base_._epoch_of_4096))
sync_bn = 'torch'
model = dict(
    type='MoCoV3',
    data_preprocessor=dict(type='ImagePreprocessor'),
    encoder=dict(_base_.encoder, checkpoint=None),
    views=_base_._views,
    predictor_hidden_dim=4096,
    temperature=.2,
    momentum=.99)
optim_wrapper = dict(
    type='AutocastOptimWrapper', dtype='bfloat16',
    # lr = base_lr * batch / 256: 1.5e-4 * 4096 / 256 = 2.4e-3
    optimizer=dict(type='AdamW', base_lr=1.5e-4, weight_decay=.1, fused=True))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=40 / 300,
         by_epoch=False),
    dict(type='CosineAnnealingLR', begin=40 / 300, end=1., by_epoch=False),
]

# Do neighbours among 10,000 validation images have the same label? Labels are
# used for this number alone.
val_cfg = dict(type='ValLoop')
val_dataloader = dict(
    batch_size=200, num_workers=4,
    dataset=dict(type='ImageNet', data_root=_base_._data_root, split='val',
                 num_images=10000,
                 pipeline=[dict(type='Resize', size=256),
                           dict(type='CenterCrop', size=256)]),
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='SeedBatchSampler'),
    collate_fn=dict(type='rcg.collate_batch'))
val_evaluator = dict(type='KNNAccuracy')
test_cfg = dict(type='TestLoop')
test_dataloader = val_dataloader
test_evaluator = val_evaluator
