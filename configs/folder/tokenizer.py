"""Tokenizer for a folder of images: VQ-VAE, 64 tokens of 1,024 codes.

    RCG_DATA=/path/to/images python tools/train.py configs/folder/tokenizer.py

For one GPU. Look at work_dirs/folder/tokenizer/samples before going on: a
generator cannot draw what the tokenizer cannot. Untuned; perceptual and
adversarial terms (model.perceptual, model.adversarial) sharpen it.
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/datasets/folder_64.py',
    '../_base_/models/folder_64_parts.py', '../_base_/schedules/cosine.py'
]
work_dir = f'{_base_._root}/tokenizer'
train_cfg = dict(type='StreamTrainLoop', max_samples=30000 * 64)
model = dict(
    type='VQTraining',
    data_preprocessor=dict(type='ImagePreprocessor'),
    tokenizer=_base_.tokenizer,
    pixel_loss='l1',
    warmup_steps=1000,
    codebook=dict(type='EMACodebook'))
optim_wrapper = dict(optimizer=dict(lr=5e-4, weight_decay=0.))
custom_hooks = [
    dict(type='SampleGridHook', interval=1000, num_images=32,
         dataset=_base_._images),
]
