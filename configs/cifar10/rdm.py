"""RDM on CIFAR-10: a diffusion model over the encoder's representations.

    python tools/train.py configs/cifar10/rdm.py

Needs the encoder (configs/cifar10/encoder.py). The optimizer is that of the
published RDMs, the size is a guess: nobody has trained it to the end.
``representation/fd`` is against the training images.
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/datasets/cifar10.py',
    '../_base_/models/cifar10_parts.py'
]
work_dir = f'{_base_._root}/rdm'
encoder = dict(_base_.encoder, checkpoint=f'{_base_._root}/encoder',
               prefix='encoder.')
# 400 epochs of 97 iterations.
train_cfg = dict(type='StreamTrainLoop', max_samples=400 * 97 * 512,
                 val_interval=50 * 97)
train_dataloader = dict(batch_size=512)
optim_wrapper = dict(
    type='AutocastOptimWrapper', dtype='float32',
    # The published rate is 1e-6 * batch; base_lr is for 256.
    optimizer=dict(type='AdamW', base_lr=1e-6 * 256, weight_decay=.01,
                   fused=True))
model = dict(
    _base_.rdm, encoder=encoder,
    data_preprocessor=dict(type='ImagePreprocessor'))
custom_hooks = [
    dict(type='TrainableEMAHook', decay=.9999, before_step=True),
]
val_cfg = dict(type='ValLoop')
val_dataloader = dict(
    batch_size=500, num_workers=0,
    dataset=dict(type='SeedDataset', num_images=50000, seed=0),
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='SeedBatchSampler'),
    collate_fn=dict(type='rcg.collate_batch'))
val_evaluator = dict(type='RepresentationFrechetDistance', encoder=encoder,
                     reference=_base_._real_train)
test_cfg = dict(type='TestLoop')
test_dataloader = val_dataloader
test_evaluator = val_evaluator
