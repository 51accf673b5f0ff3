"""rdm.py by flow matching: x0 is predicted, the loss is in the velocity.

    python tools/train.py configs/digits/rdm_flow.py

Needs the encoder (configs/digits/encoder.py). What is generated with it:
``--cfg-options model.rdm.checkpoint=...`` and the model's lines below, under
``model.rdm``.
"""
_base_ = './rdm.py'
work_dir = f'{_base_._root}/rdm_flow'
model = dict(
    diffusion=dict(_delete_=True, type='FlowMatching', parameterization='x0',
                   loss_space='v'),
    sampler=dict(_delete_=True, type='EulerSampler', num_steps=50))
