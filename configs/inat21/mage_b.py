"""RCG with MAGE-B on iNaturalist 2021, 256x256.

    RCG_DATA=/path/to/inat21 GPUS=64 bash tools/slurm_train.sh PARTITION \\
        inat21 configs/inat21/mage_b.py

Needs the RDM of configs/inat21/rdm.py. Published (arXiv:2312.03701 table 10):
FID 4.49 of 100,000 images against the 100,000 validation images, without
representations 8.64, with labels 4.55. README.md says what is a guess here,
the number of epochs among it.
"""
_base_ = [
    '../rcg/mage_b.py', '../_base_/datasets/inat21_256.py'
]
work_dir = 'work_dirs/inat21/mage_b'
train_dataloader = dict(dataset=dict(
    _base_._inat['train'], _delete_=True, pipeline=_base_._random_crop))
train_cfg = dict(max_samples=200 * _base_._inat_epoch_of_4096 * 4096)
param_scheduler = _base_._scheduler_200_epochs
default_hooks = dict(checkpoint=dict(interval=2 * _base_._inat_epoch_of_4096))
model = dict(rdm=dict(checkpoint='work_dirs/inat21/rdm'),
             generator=dict(guidance_scale=1.))
test_dataloader = dict(dataset=dict(num_images=100000))
test_evaluator = [
    dict(type='InceptionScore', extractor=_base_.extractor),
    dict(type='FrechetDistance', name='fid', prefix='val',
         extractor=_base_.extractor,
         reference=dict(_base_._inat['val'], pipeline=[
             dict(type='Resize', size=256, interpolation='bilinear'),
             dict(type='CenterCrop', size=256)])),
]
