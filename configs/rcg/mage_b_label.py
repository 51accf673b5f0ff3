"""MAGE-B conditioned on class labels, not on representations; no RDM.

    GPUS=64 bash tools/slurm_train.sh PARTITION mage_b_label \\
        configs/rcg/mage_b_label.py

The class-conditional baseline with the recipe of mage_b.py. Published is its
200-epoch run, mage_b_200ep_label.py. Labels are never dropped in training,
as published, so there is no guidance; ``drop_prob=.1`` of the condition and
``guidance_scale`` would give it.
"""
_base_ = './mage_b.py'
work_dir = 'work_dirs/rcg/mage_b_label'
model = dict(
    encoder=None, rdm=None,
    generator=dict(
        network=dict(condition=dict(_delete_=True, type='LabelCondition',
                                    num_classes=1000)),
        guidance_scale=1.))
test_dataloader = dict(dataset=dict(num_classes=1000))
