"""DiT by flow on digits, conditioned on discrete latent codes.

    python tools/train.py projects/dlc/configs/digits/dlc_dit_flow.py

Needs what dlc_dit.py needs.
"""
_base_ = ['rcg::digits/dit_flow.py', './parts.py']
work_dir = f'{_base_._root}/dlc_dit_flow'
model = _base_._given_codes
