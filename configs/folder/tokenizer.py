"""Tokenizer for a folder of images: VQ-VAE (arXiv:1711.00937).

    RCG_DATA=/path/to/images python tools/train.py configs/folder/tokenizer.py

Look at the pictures in its work folder before going on: a generator cannot
draw what the tokenizer cannot.
"""
_base_ = [
    '../_base_/default_runtime.py', './parts.py',
    '../_base_/schedules/cosine.py'
]
work_dir = f'{_base_._root}/tokenizer'
train_cfg = dict(type='StreamTrainLoop', max_samples=(
    _base_._steps.tokenizer * _base_._batch.tokenizer))
train_dataloader = dict(_base_._train_loader,
                        batch_size=_base_._batch.tokenizer)
model = dict(
    type='VQTraining',
    data_preprocessor=dict(type='ImagePreprocessor'),
    tokenizer=_base_.tokenizer,
    pixel_loss='l1',
    warmup_steps=_base_._warmup,
    codebook=_base_._codebook)
optim_wrapper = dict(optimizer=dict(
    lr=_base_._lr.tokenizer, weight_decay=0.))

# The floor that it sets: no generator can be nearer to held-out images than
# reconstructed training images are.
test_cfg = dict(type='TestLoop')
test_dataloader = dict(
    _base_._held_out_loader,
    dataset=dict(_base_._images, num_images=_base_._num_images))
test_evaluator = [
    dict(type='ReconstructionError'),
    dict(type='FrechetDistance', prefix='held_out',
         extractor=_base_._frozen_encoder, reference=_base_._held_out),
    dict(type='FrechetInfinity', prefix='held_out',
         extractor=_base_._frozen_encoder, reference=_base_._held_out)]
custom_hooks = [
    dict(type='SampleGridHook', interval=1000, num_images=32,
         dataset=_base_._held_out),
]
