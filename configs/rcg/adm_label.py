"""ADM conditioned on class labels, not on representations; no RDM.

    GPUS=128 bash tools/slurm_train.sh PARTITION adm_label \\
        configs/rcg/adm_label.py

The class-conditional baseline with the recipe of adm.py. Table 4 of
arXiv:2312.03701 has FID 10.94 and IS 101.0 for ADM with labels and without
guidance, in the ADM suite: quoted from the paper of ADM, whose recipe is
another one.
Labels are never dropped, as in RCG's code, so there is no
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
