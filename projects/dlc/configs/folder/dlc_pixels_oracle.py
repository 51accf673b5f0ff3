"""dlc_pixels.py with the codes of real images in place of the prior's.

    export RCG_DATA=/path/to/images
    python tools/store_representations.py \\
        projects/dlc/configs/folder/dlc_prior.py \\
        --out work_dirs/folder/codes.safetensors
    RCG_STORED=1000 python tools/test.py \\
        projects/dlc/configs/folder/dlc_pixels_oracle.py \\
        work_dirs/folder/dlc_pixels
"""
_base_ = './dlc_pixels.py'
work_dir = f'{_base_._root}/dlc_pixels_oracle'
model = dict(rdm=_base_._code_oracle)
