"""RCG with MAGE on digits, its representations drawn by flow matching.

    python tools/test.py configs/digits/mage_rdm_flow.py \\
        work_dirs/quickstart/mage

The generator is that of mage.py: train that, and rdm_flow.py.
"""
_base_ = ['./mage.py', '../_base_/models/digits_conditions.py']
work_dir = f'{_base_._root}/mage_rdm_flow'
model = dict(rdm=_base_._rdm_flow)
