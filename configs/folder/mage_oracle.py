"""mage.py given representations of real images: a perfect RDM.

    export RCG_DATA=/path/to/images
    python tools/store_representations.py configs/folder/rdm.py \\
        --out work_dirs/folder/representations.safetensors
    RCG_STORED=1000 python tools/test.py configs/folder/mage_oracle.py \\
        work_dirs/folder/mage

The first command prints how many it stored: give that as RCG_STORED.
"""
_base_ = './mage.py'
work_dir = f'{_base_._root}/mage_oracle'
model = dict(rdm=_base_._oracle)
