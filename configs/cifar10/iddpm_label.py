"""IDDPM on CIFAR-10 conditioned on class labels, not on representations.

    python tools/train.py configs/cifar10/iddpm_label.py

Needs no other stage. Published (arXiv:2312.03701 table 10, class-conditional):
FID 2.89 of 50,000 images against the training images.
"""
_base_ = './iddpm.py'
work_dir = f'{_base_._root}/iddpm_label'
model = dict(
    encoder=None, rdm=None,
    generator=dict(network=dict(condition=dict(
        _delete_=True, type='LabelCondition', num_classes=10))))
test_dataloader = dict(dataset=dict(num_classes=10))
custom_hooks = [
    _base_.custom_hooks[0],
    dict(_base_.custom_hooks[1], num_classes=10),
]
