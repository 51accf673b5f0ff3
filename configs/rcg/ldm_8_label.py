"""LDM-8 conditioned on class labels, not on representations; no RDM.

    GPUS=64 bash tools/slurm_train.sh PARTITION ldm_8_label \\
        configs/rcg/ldm_8_label.py

The class-conditional baseline with the recipe of ldm_8.py. Table 4 of
arXiv:2312.03701 has FID 17.41 and IS 72.9 for LDM-8 with labels and without
guidance, in the ADM suite: quoted from the paper of LDM-8, whose recipe is
another one.
Labels are never dropped, as in RCG's code, so there is no
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
