"""RCG with MAGE for a folder of images. Needs the other three stages.

    RCG_DATA=/path/to/images python tools/train.py configs/folder/mage.py
    RCG_DATA=/path/to/images python tools/test.py configs/folder/mage.py \\
        work_dirs/folder/mage --out metrics.json

Distances are measured in the space of your own encoder. They compare models
that share it, and nothing else.
"""
_base_ = [
    '../_base_/default_runtime.py', './parts.py',
    '../_base_/schedules/cosine.py'
]
work_dir = f'{_base_._root}/mage'
train_cfg = dict(type='StreamTrainLoop', max_samples=(
    _base_._steps.mage * _base_._batch.mage))
train_dataloader = dict(_base_._train_loader, batch_size=_base_._batch.mage)
model = dict(
    type='RCG',
    data_preprocessor=dict(type='ImagePreprocessor'),
    encoder=_base_._frozen_encoder,
    tokenizer=_base_._frozen_tokenizer,
    rdm=dict(_base_.rdm, checkpoint=f'{_base_._root}/rdm'),
    generator=_base_.generator)
optim_wrapper = dict(
    dtype=_base_._dtype, clip_grad=dict(max_norm=3.),
    optimizer=dict(type=_base_._optimizer, lr=_base_._lr.mage))
test_cfg = dict(type='TestLoop')
test_dataloader = _base_._seed_loader
test_evaluator = [
    dict(type='FrechetDistance', prefix='held_out',
         extractor=_base_._frozen_encoder,
         reference=_base_._held_out, real=_base_._images),
    dict(type='FrechetInfinity', prefix='held_out',
         extractor=_base_._frozen_encoder,
         reference=_base_._held_out, real=_base_._images),
    dict(type='FrechetDistance', prefix='train',
         extractor=_base_._frozen_encoder, reference=_base_._images),
    dict(type='ColorDistance', prefix='held_out', reference=_base_._held_out,
         real=dict(_base_._images, num_images=1000)),
    dict(type='NearestTrain', prefix='held_out',
         extractor=_base_._frozen_encoder, train=_base_._images,
         held_out=_base_._held_out, num_pairs=16),
]
if _base_._precision:
    test_evaluator.append(dict(
        type='PrecisionRecall', prefix='held_out',
        extractor=_base_._frozen_encoder, reference=_base_._held_out))
custom_hooks = [
    dict(type='CacheFeaturesHook', cache_dir=f'{_base_._root}/features',
         names=['codes', 'representations'],
         num_workers=_base_._num_workers),
    dict(type='SampleGridHook', interval=5000, num_images=64),
]
