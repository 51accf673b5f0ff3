"""dit.py by flow matching: the network predicts the velocity eps - x0.

    python tools/train.py configs/digits/dit_flow.py

Needs encoder, latents, RDM and classifier (configs/digits/*.py).
"""
_base_ = './dit.py'
work_dir = f'{_base_._root}/dit_flow'
model = dict(generator=dict(
    network=dict(learn_variance=False),
    diffusion=dict(_delete_=True, type='FlowMatching', parameterization='v'),
    # 19 calls of the network; dit.py has 20.
    sampler=dict(_delete_=True, type='HeunFlowSampler', num_steps=10)))
