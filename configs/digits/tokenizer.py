"""Tokenizer for digits: VQ-VAE, 16 tokens of 64 codes an image.

    python tools/train.py configs/digits/tokenizer.py

9 s on two CPU cores.
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/datasets/digits.py',
    '../_base_/models/digits_parts.py', '../_base_/schedules/cosine.py',
    '../_base_/evaluation/digits_images.py'
]
work_dir = 'work_dirs/quickstart/tokenizer'
train_cfg = dict(type='StreamTrainLoop', max_iters=500, val_interval=500)
optim_wrapper = dict(optimizer=dict(lr=3e-3, weight_decay=0.))
model = dict(
    type='VQTraining',
    data_preprocessor=dict(type='ImagePreprocessor'),
    tokenizer=_base_.tokenizer,
    pixel_loss='l2',
    warmup_steps=100,
    codebook=dict(type='EMACodebook'))
