"""RDM over the representations of SimCLR.

    python tools/train.py configs/digits/rdm_simclr.py
"""
_base_ = './rdm.py'
work_dir = f'{_base_._root}/rdm_simclr'
encoder = dict(checkpoint=f'{_base_._root}/encoder_simclr')
model = dict(encoder=encoder)
val_evaluator = dict(encoder=encoder)
test_evaluator = val_evaluator
