"""ImageNet (ILSVRC 2012) at 256x256: random crop and flip, as in the paper.

Where it is: RCG_DATA=/path/to/imagenet before a command; the folder that
holds ``train/`` and ``val/`` with a folder for each class.

Pillow resizes, as for the published numbers. Where loading limits training,
torch does it in a fraction of the time, not bit for bit; docs/benchmarks.md
says how much that changes:

    --cfg-options train_dataloader.dataset.pipeline.0.backend=torch
"""
_data_root = '{{$RCG_DATA:data/imagenet}}'

_random_crop = [
    dict(type='Resize', size=256),
    dict(type='RandomCrop', size=256),
    dict(type='RandomFlip'),
]
# What main_mage.py does unless told otherwise: nothing in it is random.
_center_crop_292 = [
    dict(type='Resize', size=292),
    dict(type='CenterCrop', size=256),
]

# Steps of an epoch, of 1,281,167 images: each process drops its last
# incomplete batch. The name says how many images make a step.
_epoch_of_4096 = 312  # 64 x 64
_epoch_of_2048 = 625  # 128 x 16
_epoch_of_1024 = 1251  # 32 x 32
_epoch_of_512 = 2502  # 4 x 128
_epoch_of_256 = 5004  # 128 x 2, and 64 x 4

train_dataloader = dict(
    num_workers=10,
    persistent_workers=True,
    pin_memory=True,
    dataset=dict(type='ImageNet', data_root=_data_root, split='train',
                 pipeline=_random_crop),
    sampler=dict(type='StreamSampler'),
    collate_fn=dict(type='rcg.collate_batch'))
