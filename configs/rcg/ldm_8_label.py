"""LDM-8 conditioned on class labels, not on representations; no RDM.

    GPUS=64 bash tools/slurm_train.sh PARTITION ldm_8_label \\
        configs/rcg/ldm_8_label.py

The class-conditional baseline with the recipe of ldm_8.py, of which we know no
published result. Labels are never dropped, as published, so there is no
guidance; ``drop_prob=.1`` of the condition and ``guidance_scale`` would give
it.
"""
_base_ = './ldm_8.py'
work_dir = 'work_dirs/rcg/ldm_8_label'
model = dict(
    encoder=None, rdm=None,
    generator=dict(network=dict(
        condition=dict(_delete_=True, type='LabelCondition',
                       num_classes=1000),
        form=dict(context_dim=512))))
test_dataloader = dict(dataset=dict(num_classes=1000))
