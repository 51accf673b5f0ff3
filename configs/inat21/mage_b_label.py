"""MAGE-B on iNaturalist 2021 conditioned on the species.

    RCG_DATA=/path/to/inat21 GPUS=64 bash tools/slurm_train.sh PARTITION \\
        inat21_label configs/inat21/mage_b_label.py

Published (arXiv:2312.03701 table 10, class-conditional): FID 4.55 of 100,000
images against the 100,000 validation images. Ten images of each species. Needs
no RDM and no encoder.
"""
_base_ = './mage_b.py'
work_dir = 'work_dirs/inat21/mage_b_label'
model = dict(
    encoder=None, rdm=None,
    generator=dict(network=dict(condition=dict(
        _delete_=True, type='LabelCondition',
        num_classes=_base_._inat_classes))))
test_dataloader = dict(dataset=dict(num_classes=_base_._inat_classes))
