"""MAGE on a folder, conditioned on discrete latent codes.

    RCG_DATA=/path/to/images \\
        python tools/train.py projects/dlc/configs/folder/dlc_mage.py

Needs what rcg::folder/mage.py needs, for the same scores, and dlc_encoder.py
and dlc_prior.py.
"""
_base_ = ['rcg::folder/mage.py', './parts.py']
work_dir = f'{_base_._root}/dlc_mage'
model = dict(
    encoder=dict(_base_._head, _delete_=True, encoder=_base_.encoder,
                 **_base_._weights),
    **_base_._given_codes)
