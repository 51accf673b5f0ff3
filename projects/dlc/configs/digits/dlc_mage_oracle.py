"""MAGE with the codes of real digits in place of the prior's.

    python tools/store_representations.py \\
        projects/dlc/configs/digits/dlc_prior.py \\
        --out work_dirs/quickstart/codes.safetensors
    python tools/test.py projects/dlc/configs/digits/dlc_mage_oracle.py \\
        work_dirs/quickstart/dlc_mage

What a perfect prior would give; see configs/digits/mage_oracle.py, also for
the codes of held-out digits.
"""
_base_ = './dlc_mage.py'
work_dir = f'{_base_._root}/dlc_mage_oracle'
model = dict(rdm=_base_._oracle)
