"""Encoder for a folder of images: MoCo v3 (arXiv:2104.02057), 64x64.

    RCG_DATA=/path/to/images python tools/train.py configs/folder/encoder.py

For one GPU. A start, not a published result: nobody has tuned it.
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/datasets/folder_64.py',
    '../_base_/models/folder_64_parts.py', '../_base_/schedules/cosine.py',
    '../_base_/augmentations/moco_v3.py'
]
work_dir = f'{_base_._root}/encoder'
_crop = dict(type='RandomResizedCrop', size=64, scale=(.2, 1.))
train_cfg = dict(type='StreamTrainLoop', max_samples=50000 * 256)
train_dataloader = dict(batch_size=256)
model = dict(
    type='MoCoV3',
    data_preprocessor=dict(type='ImagePreprocessor'),
    encoder=_base_.encoder,
    views=[[_crop, *_base_._views[0][1:]], [_crop, *_base_._views[1][1:]]],
    predictor_hidden_dim=2048,
    temperature=.2,
    momentum=.99)
optim_wrapper = dict(
    dtype='bfloat16',
    optimizer=dict(_delete_=True, type='AdamW', base_lr=1.5e-4,
                   weight_decay=.1))
custom_hooks = [dict(type='RecomputeBatchNormHook')]
