"""Encoder for a folder of images: MoCo v3 (arXiv:2104.02057).

    RCG_DATA=/path/to/images python tools/train.py configs/folder/encoder.py
"""
_base_ = [
    '../_base_/default_runtime.py', './parts.py',
    '../_base_/schedules/cosine.py'
]
work_dir = f'{_base_._root}/encoder'
_size = _base_._size
_view = [dict(type='RandomResizedCrop', size=_size, scale=(.3, 1.))]
if _base_._keep_colors:
    _view.append(dict(type='ColorJitter', brightness=.3, contrast=.3,
                      saturation=0., hue=0., prob=.8))
else:
    _view += [dict(type='ColorJitter', brightness=.4, contrast=.4,
                   saturation=.2, hue=.1, prob=.8),
              dict(type='RandomGrayscale', prob=.2)]
if _base_._flip:
    _view.append(dict(type='RandomFlip'))
train_cfg = dict(type='StreamTrainLoop', max_samples=(
    _base_._steps.encoder * _base_._batch.encoder))
train_dataloader = dict(_base_._train_loader, batch_size=_base_._batch.encoder)
model = dict(
    type='MoCoV3',
    data_preprocessor=dict(type='ImagePreprocessor'),
    encoder=_base_.encoder,
    views=[_view, _view],
    predictor_hidden_dim=_base_._encoder.projector_hidden_dim,
    temperature=.2,
    momentum=.99)
optim_wrapper = dict(dtype=_base_._dtype, optimizer=dict(
    lr=_base_._lr.encoder, weight_decay=.1))
custom_hooks = [dict(type='RecomputeBatchNormHook')]
