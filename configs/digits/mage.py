"""RCG with MAGE on digits, and the base of its two baselines.

    python tools/train.py configs/digits/mage.py

Needs encoder, tokenizer, RDM and classifier (configs/digits/*.py). 100 s
on one CPU core. FD and IS stand in README.md.
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/datasets/digits.py',
    '../_base_/models/digits_parts.py', '../_base_/schedules/cosine.py',
    '../_base_/evaluation/digits_images.py'
]
work_dir = f'{_base_._root}/mage'
default_hooks = dict(checkpoint=dict(interval=200))
train_cfg = dict(type='StreamTrainLoop', max_samples=600 * 128)
# Of 1e-3, 2e-3, 4e-3 and 8e-3 the best, by train/fd, of both baselines.
optim_wrapper = dict(optimizer=dict(lr=4e-3))
model = dict(
    type='RCG',
    data_preprocessor=dict(type='ImagePreprocessor'),
    encoder=dict(_base_.encoder, checkpoint=f'{_base_._root}/encoder',
                 prefix='encoder.'),
    tokenizer=dict(_base_.tokenizer,
                   checkpoint=f'{_base_._root}/tokenizer',
                   prefix='tokenizer.'),
    rdm=dict(_base_.rdm, checkpoint=f'{_base_._root}/rdm'),
    generator=_base_.generator)
custom_hooks = [
    dict(type='CacheFeaturesHook', cache_dir=f'{_base_._root}/features',
         names=['codes', 'representations']),
    dict(type='SampleGridHook', interval=300, num_images=40),
]
