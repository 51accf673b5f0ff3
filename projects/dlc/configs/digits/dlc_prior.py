"""Prior over the codes of digits: masked diffusion, in place of the RDM.

    python tools/train.py projects/dlc/configs/digits/dlc_prior.py

Needs dlc_encoder.py. The distance ``representation/fd`` is of
one-hot tokens: it compares how often each code, and each pair of codes,
occurs.
"""
_base_ = ['rcg::digits/rdm.py', './parts.py']
work_dir = f'{_base_._root}/dlc_prior'
encoder = dict(_base_._frozen_encoder, _delete_=True)
default_hooks = dict(checkpoint=dict(interval=200))
train_cfg = dict(max_samples=600 * 128, val_interval=300)
train_dataloader = dict(batch_size=128)
optim_wrapper = dict(optimizer=dict(lr=2e-3, weight_decay=.05))
model = dict(_base_._prior, _delete_=True, encoder=_base_._frozen_encoder,
             data_preprocessor=dict(type='ImagePreprocessor'))
val_evaluator = dict(encoder=encoder)
test_evaluator = val_evaluator
