"""DiT-XL/2 conditioned on class labels, not on representations; no RDM.

    GPUS=128 bash tools/slurm_train.sh PARTITION dit_xl_label \\
        configs/rcg/dit_xl_label.py

The class-conditional baseline with the recipe of dit_xl.py. Table 4 of
arXiv:2312.03701 has FID 9.62 and IS 121.5 for DiT-XL/2 with labels and without
guidance, in the ADM suite: quoted from the paper of DiT-XL/2, whose recipe is
another one.
A tenth of the labels is dropped, so ``--cfg-options
model.generator.guidance_scale=1.5`` guides.
"""
_base_ = './dit_xl.py'
work_dir = 'work_dirs/rcg/dit_xl_label'
model = dict(
    encoder=None, rdm=None,
    generator=dict(network=dict(
        condition=dict(_delete_=True, type='LabelCondition',
                       num_classes=1000, drop_prob=.1))))
test_dataloader = dict(dataset=dict(num_classes=1000))
