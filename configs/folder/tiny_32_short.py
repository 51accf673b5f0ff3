"""Preset: tiny_32 with a third of its steps, to compare many models.

    export RCG_DATA=/path/to/images RCG_PRESET=./tiny_32_short.py
    python -m rcg.projects.comparison configs/folder/mage.py \\
        configs/folder/mage_uncond.py --work-dir work_dirs/folders
"""
_base_ = './tiny_32.py'
# MAGE and pixels take about the same time.
_steps = dict(encoder=300, tokenizer=600, rdm=1200, mage=700, pixels=500)
# As when the tables of docs/family.md were made.
_batch = dict(tokenizer=32, mage=64)
_lr = dict(mage=3e-3)
_optimizer = 'AdamW'
_rdm_steps, _rdm_eta = 100, 1.
_num_images = 1000
_precision = True
_ema = .99
