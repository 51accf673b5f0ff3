"""mocov3_vit_l.py by flow matching; see mocov3_vit_b_flow.py.

    bash tools/dist_train.sh configs/rdm/mocov3_vit_l_flow.py 4
    python tools/test.py configs/rdm/mocov3_vit_l_flow.py \\
        work_dirs/rdm/mocov3_vit_l_flow

Nothing like it is published: never trained here.
"""
_base_ = './mocov3_vit_l.py'
work_dir = 'work_dirs/rdm/mocov3_vit_l_flow'
model = dict(
    diffusion=dict(_delete_=True, type='FlowMatching', parameterization='v'),
    sampler=dict(_delete_=True, type='EulerSampler', num_steps=50))
