"""MAGE on digits, conditioned on discrete latent codes.

    python tools/train.py projects/dlc/configs/digits/dlc_mage.py

Needs dlc_encoder.py and dlc_prior.py, and tokenizer and classifier of
rcg::digits.
"""
_base_ = ['rcg::digits/mage.py', './parts.py']
work_dir = f'{_base_._root}/dlc_mage'
model = _base_._given_codes
