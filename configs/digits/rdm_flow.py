"""rdm.py by flow matching: the network predicts the velocity eps - x0.

    python tools/train.py configs/digits/rdm_flow.py

Needs the encoder (configs/digits/encoder.py). A config of RCG takes it with
the two lines of the model below, in its ``model.rdm``, and ``checkpoint``.
"""
_base_ = './rdm.py'
work_dir = f'{_base_._root}/rdm_flow'
# Over three seeds, representation/fd 0.64; rdm.py with 50 steps 1.03. With one
# seed 0.65; predicting x0 with the loss in v 0.69, with the loss in x0 0.93.
model = dict(
    diffusion=dict(_delete_=True, type='FlowMatching', parameterization='v'),
    sampler=dict(_delete_=True, type='EulerSampler', num_steps=50))
