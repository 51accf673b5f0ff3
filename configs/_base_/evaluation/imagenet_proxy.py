"""While training: FID of 5,000 images with an interval; does it copy?

A leaf takes this file instead of imagenet_fid.py, on which it builds, and
says how often and in which encoder's space to look for copies:

    train_cfg = dict(val_interval=25 * _base_._epoch_of_4096)
    val_evaluator = [*_base_._proxies,
                     dict(_base_._copy_check, extractor=_base_.encoder)]
    custom_hooks = [dict(type='SampleGridHook', interval=...)]

Other seeds than those of the test, so that it is not what is selected by.
"""
_base_ = './imagenet_fid.py'
val_cfg = dict(type='ValLoop')
val_dataloader = dict(
    _base_.test_dataloader,
    dataset=dict(type='SeedDataset', num_images=5000, seed=1))
_proxies = [dict(type='FrechetProxy', name='fid', prefix='proxy',
                 extractor=_base_.extractor, reference=_base_._val)]
val_evaluator = _proxies
# Against a part of the training images, each of which must pass the encoder.
_copy_check = dict(
    type='NearestTrain', prefix='proxy', num_pairs=32, held_out=_base_._val,
    train=dict(
        type='ImageFolder', num_images=50000,
        data_root='{{$RCG_DATA:data/imagenet}}/train',
        pipeline=[dict(type='Resize', size=256, interpolation='bilinear'),
                  dict(type='CenterCrop', size=256)]))
