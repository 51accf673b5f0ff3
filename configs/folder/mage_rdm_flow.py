"""mage.py, its representations drawn by rdm_flow.py. No training of its own.

    RCG_DATA=/path/to/images python tools/test.py \\
        configs/folder/mage_rdm_flow.py work_dirs/folder/mage
"""
_base_ = './mage.py'
work_dir = f'{_base_._root}/mage_rdm_flow'
model = dict(rdm=_base_._rdm_flow)
