"""RCG with SimCLR as the encoder, in place of MoCo v3.

    python tools/train.py configs/digits/mage_simclr.py

Needs encoder_simclr.py and rdm_simclr.py. FD stands in docs/conditions.md.
"""
_base_ = './mage.py'
work_dir = f'{_base_._root}/mage_simclr'
model = dict(encoder=dict(checkpoint=f'{_base_._root}/encoder_simclr'),
             rdm=dict(checkpoint=f'{_base_._root}/rdm_simclr'))
