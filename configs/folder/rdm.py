"""RDM for a folder of images. Needs the encoder (encoder.py).

    RCG_DATA=/path/to/images python tools/train.py configs/folder/rdm.py
"""
_base_ = [
    '../_base_/default_runtime.py', './parts.py',
    '../_base_/schedules/cosine.py'
]
work_dir = f'{_base_._root}/rdm'
train_cfg = dict(type='StreamTrainLoop', max_samples=(
    _base_._steps.rdm * _base_._batch.rdm), val_interval=_base_._steps.rdm)
train_dataloader = dict(_base_._train_loader, batch_size=_base_._batch.rdm)
model = dict(
    _base_.rdm, encoder=_base_._frozen_encoder,
    data_preprocessor=dict(type='ImagePreprocessor'))
optim_wrapper = dict(dtype=_base_._dtype, optimizer=dict(
    lr=_base_._lr.rdm, weight_decay=.01))

# How far generated representations are from those of held-out images.
val_cfg = dict(type='ValLoop')
val_dataloader = _base_._seed_loader
val_evaluator = dict(
    type='RepresentationFrechetDistance', encoder=_base_._frozen_encoder,
    reference=_base_._held_out)
test_cfg = dict(type='TestLoop')
test_dataloader = val_dataloader
test_evaluator = val_evaluator
custom_hooks = [
    dict(type='TrainableEMAHook', decay=_base_._ema),
    dict(type='CacheFeaturesHook', cache_dir=f'{_base_._root}/features',
         names=['representations'], num_workers=_base_._num_workers),
]
