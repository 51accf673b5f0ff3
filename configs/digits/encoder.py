"""Encoder for digits: MoCo v3 (arXiv:2104.02057) without labels.

    python tools/train.py configs/digits/encoder.py

40 s on one CPU core, in the quick start.
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/datasets/digits.py',
    '../_base_/models/digits_parts.py', '../_base_/schedules/cosine.py'
]
work_dir = f'{_base_._root}/encoder'
# The encoder should not tell apart what is the same digit.
_view = [
    dict(type='RandomAffine', degrees=15, scale=(.8, 1.2), shear=.3,
         translate=.1),
    dict(type='RandomGamma', gamma=(.6, 1.6)),
    dict(type='GaussianNoise', std=(0., .1)),
    dict(type='Cutout', size=(.2, .4), prob=.5),
]
default_hooks = dict(checkpoint=dict(interval=100))
train_cfg = dict(type='StreamTrainLoop',
                 max_samples=200 * 256, val_interval=200)
train_dataloader = dict(batch_size=256)
model = dict(
    type='MoCoV3',
    data_preprocessor=dict(type='ImagePreprocessor'),
    encoder=_base_.encoder,
    views=[_view, _view],
    predictor_hidden_dim=256,
    temperature=.2,
    momentum=.99)
custom_hooks = [dict(type='RecomputeBatchNormHook')]

# Do neighbours among held-out digits have the same label? Labels are used
# for this number alone.
val_cfg = dict(type='ValLoop')
val_dataloader = _base_._held_out_loader
val_evaluator = dict(type='KNNAccuracy')
test_cfg = dict(type='TestLoop')
test_dataloader = val_dataloader
test_evaluator = val_evaluator
