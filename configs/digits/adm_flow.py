"""adm.py by flow matching: a U-Net over pixels that predicts the velocity.

    python tools/train.py configs/digits/adm_flow.py

Needs encoder, RDM and classifier (configs/digits/*.py).
"""
_base_ = './adm.py'
work_dir = f'{_base_._root}/adm_flow'
model = dict(generator=dict(
    network=dict(form=dict(learn_variance=False)),
    diffusion=dict(_delete_=True, type='FlowMatching', parameterization='v',
                   clip=1.),
    # 19 calls of the network; adm.py has 20.
    sampler=dict(_delete_=True, type='HeunFlowSampler', num_steps=10)))
