"""Tokenizer for digits: VQ-VAE, 16 tokens of 64 codes an image.

    python tools/train.py configs/digits/tokenizer.py

40 s on one CPU core, in the quick start.
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/datasets/digits.py',
    '../_base_/models/digits_parts.py', '../_base_/schedules/cosine.py',
    '../_base_/evaluation/digits_images.py'
]
work_dir = f'{_base_._root}/tokenizer'
train_dataloader = dict(batch_size=64)
default_hooks = dict(checkpoint=dict(interval=200))
train_cfg = dict(type='StreamTrainLoop',
                 max_samples=500 * 64, val_interval=500)
optim_wrapper = dict(optimizer=dict(lr=3e-3, weight_decay=0.))
model = dict(
    type='VQTraining',
    data_preprocessor=dict(type='ImagePreprocessor'),
    tokenizer=_base_.tokenizer,
    pixel_loss='l2',
    warmup_steps=100,
    codebook=dict(type='EMACodebook'))

# While training: how well held-out digits come back.
val_cfg = dict(type='ValLoop')
val_dataloader = _base_._held_out_loader
val_evaluator = dict(type='ReconstructionError')

# The floor that it sets: no generator can be nearer to held-out digits than
# reconstructed training digits are.
test_dataloader = dict(
    _base_._held_out_loader, _delete_=True, dataset=_base_._train)
custom_hooks = [
    dict(type='SampleGridHook', interval=250, num_images=40,
         dataset=_base_._held_out),
]
