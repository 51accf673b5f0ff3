"""Prior over the codes of a folder: masked diffusion, in place of the RDM.

    RCG_DATA=/path/to/images \\
        python tools/train.py projects/dlc/configs/folder/dlc_prior.py
"""
_base_ = ['rcg::folder/rdm.py', './parts.py']
work_dir = f'{_base_._root}/dlc_prior'
_encoder_of_codes = dict(_base_._head, encoder=_base_.encoder,
                         **_base_._weights)
# As many steps as the RDM, in batches of MAGE's size: each is dearer.
train_cfg = dict(max_samples=_base_._steps.rdm * _base_._batch.mage)
train_dataloader = dict(batch_size=_base_._batch.mage)
optim_wrapper = dict(optimizer=dict(lr=2e-3, weight_decay=.05))
model = dict(_base_._prior, _delete_=True, encoder=_encoder_of_codes,
             data_preprocessor=dict(type='ImagePreprocessor'))
val_evaluator = dict(encoder=dict(_encoder_of_codes, _delete_=True))
test_evaluator = val_evaluator
