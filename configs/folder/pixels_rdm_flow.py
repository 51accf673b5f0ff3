"""pixels.py, its representations drawn by rdm_flow.py. No training of its own.

    RCG_DATA=/path/to/images python tools/test.py \\
        configs/folder/pixels_rdm_flow.py work_dirs/folder/pixels
"""
_base_ = './pixels.py'
work_dir = f'{_base_._root}/pixels_rdm_flow'
model = dict(rdm=_base_._rdm_flow)
