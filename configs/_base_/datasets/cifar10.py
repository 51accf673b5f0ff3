"""CIFAR-10: 50,000 images of 32x32 to train, 10,000 to test; random flips.

Where it is: RCG_DATA=/path before a command, the folder that holds
``cifar-10-batches-py``. The first run downloads it (170 MB) if it is missing.
"""
# The folder of all stages; RCG_ROOT=... changes it.
_root = '{{$RCG_ROOT:work_dirs/cifar10}}'
_data_root = '{{$RCG_DATA:data/cifar10}}'

# What FID and Frechet distances compare with: the images as they are.
_real_train = dict(type='CIFAR10', data_root=_data_root, split='train')
_real_test = dict(type='CIFAR10', data_root=_data_root, split='test')

train_dataloader = dict(
    batch_size=128,
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    dataset=dict(_real_train, pipeline=[dict(type='RandomFlip')]),
    sampler=dict(type='StreamSampler'),
    collate_fn=dict(type='rcg.collate_batch'))
