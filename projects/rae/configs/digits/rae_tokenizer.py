"""Decoder of the digits' representation autoencoder.

    python tools/train.py projects/rae/configs/digits/rae_tokenizer.py

Needs the encoder (configs/digits/encoder.py) and rae_normalization.py beside
this file; a test needs configs/digits/classifier.py. Images, batches, steps
and scores are those of configs/digits/tokenizer.py.
"""
_base_ = ['rcg::digits/tokenizer.py', './parts.py']
custom_imports = dict(imports=['rcg.projects.rae'],
                      allow_failed_imports=False)
work_dir = f'{_base_._root}/rae_tokenizer'
_normalization = dict(
    _base_._autoencoder.normalization,
    init_cfg=dict(type='Pretrained', prefix='normalization.',
                  checkpoint=f'{_base_._root}/rae_normalization'))
model = dict(
    _delete_=True, type='DecoderTraining',
    data_preprocessor=dict(type='ImagePreprocessor'),
    tokenizer=dict(_base_._autoencoder, normalization=_normalization),
    # Of the published .8 and .4 the better by train/fd: 0.66 and 0.33.
    noise_tau=.4, pixel_loss='l1')
