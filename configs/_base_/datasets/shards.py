"""Images in tar shards (webdataset's) for the recipes of 256x256.

Where they are: RCG_SHARDS=/path before a command; a folder of ``000.tar``,
``001.tar``, ... with ``0001.jpg`` and perhaps ``0001.cls`` in them, the number
of its class. A leaf puts them in the place of its own images:

    _base_ = ['./mage_l.py', '../_base_/datasets/shards.py']
    train_dataloader = dict(dataset=dict(_base_._shards, _delete_=True))
"""
_shards = dict(
    type='TarShards', data_root='{{$RCG_SHARDS:data/shards}}',
    upright=False,  # as for ImageNet in the published code
    pipeline=[
        dict(type='Resize', size=256),
        dict(type='RandomCrop', size=256),
        dict(type='RandomFlip'),
    ])
