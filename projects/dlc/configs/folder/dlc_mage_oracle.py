"""dlc_mage.py with the codes of real images in place of the prior's.

    export RCG_DATA=/path/to/images
    python tools/store_representations.py \\
        projects/dlc/configs/folder/dlc_prior.py \\
        --out work_dirs/folder/codes.safetensors
    RCG_STORED=1000 python tools/test.py \\
        projects/dlc/configs/folder/dlc_mage_oracle.py \\
        work_dirs/folder/dlc_mage
"""
_base_ = './dlc_mage.py'
work_dir = f'{_base_._root}/dlc_mage_oracle'
model = dict(rdm=_base_._code_oracle)
