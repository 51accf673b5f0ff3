"""RCG with ADM's U-Net over pixels on digits; there is no tokenizer.

    python tools/train.py configs/digits/adm.py

Needs encoder, RDM and classifier (configs/digits/*.py).
"""
_base_ = './dit.py'
work_dir = f'{_base_._root}/adm'
model = dict(
    tokenizer=dict(_delete_=True, type='Pixels'),
    generator=dict(
        network=dict(
            _delete_=True, type='UNet', input_size=16, in_channels=3, dim=16,
            dim_mult=(1, 2, 4), num_res_blocks=1, attention_levels=(2, ),
            condition=dict(type='RepresentationCondition', rep_dim=64,
                           drop_prob=.1),
            form=dict(head_dim=32, groups=4)),
        diffusion=dict(clip=1.)))
train_dataloader = dict(batch_size=64)
train_cfg = dict(max_samples=600 * 64)
# Of 1e-3, 2e-3 and 4e-3 the best, by train/fd, of the baseline.
optim_wrapper = dict(optimizer=dict(lr=2e-3))
