"""The class-conditional baseline: MAGE with labels, not representations.

    python tools/train.py configs/digits/mage_class_cond.py

It is what unconditional generation would like to reach.
"""
_base_ = './mage.py'
work_dir = f'{_base_._root}/mage_class_cond'
model = dict(
    encoder=None, rdm=None,
    generator=dict(network=dict(condition=dict(
        _delete_=True, type='LabelCondition', num_classes=10))))
test_dataloader = dict(dataset=dict(num_classes=10))
custom_hooks = [
    dict(type='CacheFeaturesHook', cache_dir=f'{_base_._root}/features',
         names=['codes']),
    dict(type='SampleGridHook', interval=300, num_images=40, num_classes=10),
]
