"""ADM conditioned on class labels, not on representations; no RDM.

    GPUS=128 bash tools/slurm_train.sh PARTITION adm_label \\
        configs/rcg/adm_label.py

The class-conditional baseline with the recipe of adm.py, of which we know no
published result. Labels are never dropped, as published, so there is no
guidance; ``drop_prob=.1`` of the condition and ``guidance_scale`` would give
it.
"""
_base_ = './adm.py'
work_dir = 'work_dirs/rcg/adm_label'
model = dict(
    encoder=None, rdm=None,
    generator=dict(network=dict(
        condition=dict(_delete_=True, type='LabelCondition',
                       num_classes=1000))))
test_dataloader = dict(dataset=dict(num_classes=1000))
