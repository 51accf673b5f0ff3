"""The control without self-supervision: PCA of pixels as the encoder.

    python tools/train.py configs/digits/encoder_pca.py

About a second on two CPU cores. Two batches are one pass over the 1,438
digits, after which the components are exact. It takes the place of
encoder.py with

    _encoder = dict(type='PixelPCA', image_size=16, num_components=64,
                    checkpoint='work_dirs/quickstart/encoder_pca',
                    prefix='encoder.')
"""
_base_ = ['../_base_/default_runtime.py', '../_base_/datasets/digits.py']
work_dir = f'{_base_._root}/encoder_pca'
model = dict(
    type='PCATraining',
    data_preprocessor=dict(type='ImagePreprocessor'),
    encoder=dict(type='PixelPCA', image_size=16, num_components=64))
train_cfg = dict(type='StreamTrainLoop', max_samples=2 * 719)
train_dataloader = dict(batch_size=719)
# Closed form: nothing to step, nothing for DDP to average.
optim_wrapper = dict(constructor='NoOptimizer')
model_wrapper_cfg = dict(type='rcg.NoWrapper')
