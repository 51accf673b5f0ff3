"""RCG with MAGE on digits, and the base of its two baselines.

    python tools/train.py configs/digits/mage.py

Needs encoder, tokenizer, RDM and classifier (configs/digits/*.py). A minute
on two CPU cores. FD and IS stand in README.md.
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/datasets/digits.py',
    '../_base_/models/digits_parts.py', '../_base_/schedules/cosine.py',
    '../_base_/evaluation/digits_images.py'
]
work_dir = 'work_dirs/quickstart/mage'
train_cfg = dict(type='StreamTrainLoop', max_iters=800, val_interval=800)
model = dict(
    type='RCG',
    data_preprocessor=dict(type='ImagePreprocessor'),
    encoder=dict(_base_.encoder, checkpoint='work_dirs/quickstart/encoder',
                 prefix='encoder.'),
    tokenizer=dict(_base_.tokenizer,
                   checkpoint='work_dirs/quickstart/tokenizer',
                   prefix='tokenizer.'),
    rdm=dict(_base_.rdm, checkpoint='work_dirs/quickstart/rdm'),
    generator=_base_.generator)
custom_hooks = [
    dict(type='CacheFeaturesHook', cache_dir='work_dirs/quickstart/features',
         names=['codes', 'representations']),
]
