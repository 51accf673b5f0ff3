"""pixels.py by class, for a folder of class folders: no representations.

    export RCG_DATA=/path/to/images RCG_CLASSES=NUMBER_OF_CLASS_FOLDERS
    python tools/train.py configs/folder/pixels_class_cond.py
"""
_base_ = './pixels.py'
work_dir = f'{_base_._root}/pixels_class_cond'
model = dict(
    encoder=None, rdm=None,
    generator=dict(network=dict(condition=dict(
        _delete_=True, type='LabelCondition',
        num_classes=_base_._num_classes))))
test_dataloader = dict(dataset=dict(num_classes=_base_._num_classes))
custom_hooks = [
    dict(type='CacheFeaturesHook', cache_dir=f'{_base_._root}/features',
         names=['codes'], dtype='float16', num_workers=_base_._num_workers),
    dict(type='SampleGridHook', interval=5000, num_images=64,
         num_classes=_base_._num_classes),
    _base_._average,
]
