"""RDM on iNaturalist 2021 over MoCo v3 ViT-B of ImageNet, 100 epochs.

    RCG_DATA=/path/to/inat21 bash tools/dist_train.sh configs/inat21/rdm.py 4

Makes what configs/inat21/mage_b.py needs. No such RDM is released. README.md
says what of it is a guess.
"""
_base_ = [
    '../rdm/mocov3_vit_b.py', '../_base_/datasets/inat21_256.py'
]
work_dir = 'work_dirs/inat21/rdm'
train_dataloader = dict(dataset=dict(
    _base_._inat['train'], _delete_=True, pipeline=_base_._random_crop))
train_cfg = dict(max_samples=100 * _base_._inat_epoch_of_512 * 512,
                 val_interval=25 * _base_._inat_epoch_of_512)
default_hooks = dict(checkpoint=dict(interval=_base_._inat_epoch_of_512))
val_dataloader = dict(dataset=dict(num_images=100000))
test_dataloader = val_dataloader
_train, _val = (dict(_base_._inat[split], pipeline=_base_._images['pipeline'])
                for split in ('train', 'val'))
val_evaluator = dict(reference=dict(_val, _delete_=True))
test_evaluator = [
    dict(metric, reference=reference, real=dict(_train, num_images=100000))
    for metric, reference in zip(_base_.test_evaluator, (_train, _val),
                                 strict=True)
]
