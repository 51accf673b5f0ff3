"""DiT on digits, conditioned on discrete latent codes.

    python tools/train.py projects/dlc/configs/digits/dlc_dit.py

Needs dlc_encoder.py and dlc_prior.py, and latents and classifier of
rcg::digits.
"""
_base_ = ['rcg::digits/dit.py', './parts.py']
work_dir = f'{_base_._root}/dlc_dit'
model = _base_._given_codes
