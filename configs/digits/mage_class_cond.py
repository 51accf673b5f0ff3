"""The class-conditional baseline: MAGE with labels, not representations.

    python tools/train.py configs/digits/mage_class_cond.py

It is what unconditional generation would like to reach.
"""
_base_ = './mage_uncond.py'
work_dir = 'work_dirs/quickstart/mage_class_cond'
model = dict(generator=dict(network=dict(
    condition=dict(type='LabelCondition', num_classes=10))))
val_dataloader = dict(dataset=dict(num_classes=10))
test_dataloader = val_dataloader
