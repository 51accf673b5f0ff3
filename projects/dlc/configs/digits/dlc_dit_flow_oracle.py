"""dlc_dit_flow.py with the codes of real digits in place of the prior's.

    python tools/store_representations.py \\
        projects/dlc/configs/digits/dlc_prior.py \\
        --out work_dirs/quickstart/codes.safetensors
    python tools/test.py projects/dlc/configs/digits/dlc_dit_flow_oracle.py \\
        work_dirs/quickstart/dlc_dit_flow
"""
_base_ = './dlc_dit_flow.py'
work_dir = f'{_base_._root}/dlc_dit_flow_oracle'
model = dict(rdm=_base_._oracle)
