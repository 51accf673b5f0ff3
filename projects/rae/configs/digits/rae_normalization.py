"""Mean and variance of the digits' feature maps, in one pass.

    python tools/train.py projects/rae/configs/digits/rae_normalization.py

Needs the encoder (configs/digits/encoder.py).
"""
_base_ = [
    'rcg::_base_/default_runtime.py', 'rcg::_base_/datasets/digits.py',
    './parts.py'
]
custom_imports = dict(imports=['rcg.projects.rae'],
                      allow_failed_imports=False)
work_dir = f'{_base_._root}/rae_normalization'
model = dict(
    type='NormalizationTraining',
    data_preprocessor=dict(type='ImagePreprocessor'),
    encoder=_base_._map_encoder,
    normalization=_base_._autoencoder.normalization)
train_cfg = dict(type='StreamTrainLoop', max_samples=2 * 719)
train_dataloader = dict(batch_size=719)
# Closed form: nothing to step, nothing for DDP to average.
optim_wrapper = dict(constructor='NoOptimizer')
model_wrapper_cfg = dict(type='rcg.NoWrapper')
