"""dit_flow.py on the representations of real digits, as mage_oracle.py.

    python tools/store_representations.py configs/digits/rdm.py \\
        --out work_dirs/quickstart/representations.safetensors
    python tools/test.py configs/digits/dit_flow_oracle.py \\
        work_dirs/quickstart/dit_flow
"""
_base_ = ['./dit_flow.py', '../_base_/models/digits_conditions.py']
work_dir = f'{_base_._root}/dit_flow_oracle'
model = dict(rdm=_base_._oracle)
