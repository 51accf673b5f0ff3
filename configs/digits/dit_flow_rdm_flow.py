"""RCG with DiT on digits, both steps by flow matching.

    python tools/test.py configs/digits/dit_flow_rdm_flow.py \\
        work_dirs/quickstart/dit_flow

The generator is that of dit_flow.py: train that, and rdm_flow.py.
"""
_base_ = ['./dit_flow.py', '../_base_/models/digits_conditions.py']
work_dir = f'{_base_._root}/dit_flow_rdm_flow'
model = dict(rdm=_base_._rdm_flow)
