"""The published decoder of RAE (arXiv:2510.11690) on ImageNet, 16 epochs.

    bash tools/dist_train.sh projects/rae/configs/imagenet/tokenizer.py 16

Needs normalization.py beside this file, and the VGG16 of torchvision in the
folder RCG_WEIGHTS for the perceptual loss; without it:
``--cfg-options model.perceptual=None``. Published: rFID 0.49 with ViT-XL.

Rates, noise, weights and lengths are the published ones. Three things are not:
the perceptual loss weighs all features of VGG16 alike, where LPIPS has learned
weights; the discriminator is a PatchGAN, where the published one reads a
frozen DINO-S/8; it starts together with its loss, at epoch 8, where the
published one starts two epochs before.
"""
_base_ = [
    'rcg::_base_/default_runtime.py', 'rcg::_base_/datasets/imagenet_256.py',
    './parts.py'
]
custom_imports = dict(imports=['rcg.projects.rae'],
                      allow_failed_imports=False)
work_dir = 'work_dirs/rae/tokenizer'
_vgg = '{{$RCG_WEIGHTS:checkpoints}}/vgg16-397923af.pth'
_normalization = dict(
    _base_._autoencoder.normalization,
    init_cfg=dict(type='Pretrained', prefix='normalization.',
                  checkpoint='work_dirs/rae/normalization'))
train_dataloader = dict(batch_size=32)  # 16 processes
train_cfg = dict(type='StreamTrainLoop',
                 max_samples=16 * _base_._epoch_of_512 * 512)
default_hooks = dict(checkpoint=dict(interval=_base_._epoch_of_512))
model = dict(
    type='DecoderTraining',
    data_preprocessor=dict(type='ImagePreprocessor'),
    tokenizer=dict(_base_._autoencoder, normalization=_normalization),
    noise_tau=.8,
    pixel_loss='l1',
    perceptual=dict(type='PerceptualLoss', network=dict(
        type='VGG16Features', checkpoint=_vgg)),
    adversarial=dict(
        type='AdversarialLoss', weight=.75, start=8 * _base_._epoch_of_512,
        discriminator=dict(type='PatchDiscriminator')))
optim_wrapper = dict(
    type='AutocastOptimWrapper', dtype='bfloat16',
    optimizer=dict(type='AdamW', lr=2e-4, betas=(.9, .95), weight_decay=0.,
                   fused=True))
# Floats of begin and end are shares of the run.
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=1 / 16,
         by_epoch=False),
    dict(type='CosineAnnealingLR', eta_min_ratio=.1, begin=1 / 16, end=1.,
         by_epoch=False),
]
custom_hooks = [dict(type='TrainableEMAHook', decay=.9978, warmup=False)]

# Reconstructions of the 50,000 validation images.
_weights = '{{$RCG_WEIGHTS:checkpoints}}'
_images = dict(type='ImageNet', data_root=_base_._data_root, split='val',
               pipeline=[dict(type='Resize', size=256),
                         dict(type='CenterCrop', size=256)])
_inception = dict(
    type='Inception',
    weights_path=f'{_weights}/weights-inception-2015-12-05-6726825d.pth')
test_cfg = dict(type='TestLoop')
test_dataloader = dict(
    batch_size=50, num_workers=10, dataset=_images,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='SeedBatchSampler'),
    collate_fn=dict(type='rcg.collate_batch'))
test_evaluator = [
    dict(type='ReconstructionError'),
    dict(type='FrechetDistance', name='fid', prefix='val',
         extractor=_inception, reference=_images),
]
