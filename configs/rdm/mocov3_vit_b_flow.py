"""mocov3_vit_b.py by flow matching: the network predicts the velocity.

    bash tools/dist_train.sh configs/rdm/mocov3_vit_b_flow.py 4
    python tools/test.py configs/rdm/mocov3_vit_b_flow.py \\
        work_dirs/rdm/mocov3_vit_b_flow

Nothing like it is published: never trained here. The network, its 62.7
million parameters, data and length are those of mocov3_vit_b.py, whose table
of distances it can be put beside. 50 steps of Euler's method in place of 250
of DDIM.
"""
_base_ = './mocov3_vit_b.py'
work_dir = 'work_dirs/rdm/mocov3_vit_b_flow'
model = dict(
    diffusion=dict(_delete_=True, type='FlowMatching', parameterization='v'),
    sampler=dict(_delete_=True, type='EulerSampler', num_steps=50))
