"""Encoder for a folder of images: MoCo v3 or SimCLR, as the preset says.

    RCG_DATA=/path/to/images python tools/train.py configs/folder/encoder.py
"""
_base_ = [
    '../_base_/default_runtime.py', './parts.py',
    '../_base_/schedules/cosine.py', '../_base_/augmentations/own_images.py'
]
work_dir = f'{_base_._root}/encoder'
# What the views keep the encoder sees.
_view = _base_._augmentations[
    ('keep_color' if _base_._keep_colors else 'change_color')
    + ('_flip' if _base_._flip else '')]
train_cfg = dict(type='StreamTrainLoop', max_samples=(
    _base_._steps.encoder * _base_._batch.encoder))
train_dataloader = dict(_base_._train_loader, batch_size=_base_._batch.encoder)
model = dict(
    _base_._contrast,
    data_preprocessor=dict(type='ImagePreprocessor'),
    encoder=_base_.encoder,
    views=[_view, _view])
optim_wrapper = dict(dtype=_base_._dtype, optimizer=dict(
    lr=_base_._lr.encoder, weight_decay=.05))
custom_hooks = [dict(type='RecomputeBatchNormHook')]
