"""Mean and variance of DINOv2's patches on ImageNet, one epoch.

    bash tools/dist_train.sh projects/rae/configs/imagenet/normalization.py 8
"""
_base_ = [
    'rcg::_base_/default_runtime.py', 'rcg::_base_/datasets/imagenet_256.py',
    './parts.py'
]
custom_imports = dict(imports=['rcg.projects.rae'],
                      allow_failed_imports=False)
work_dir = 'work_dirs/rae/normalization'
model = dict(
    type='NormalizationTraining',
    data_preprocessor=dict(type='ImagePreprocessor'),
    encoder=_base_._map_encoder,
    normalization=_base_._autoencoder.normalization)
train_cfg = dict(type='StreamTrainLoop',
                 max_samples=_base_._epoch_of_512 * 512)
train_dataloader = dict(batch_size=64)  # 8 processes
# Closed form: nothing to step, nothing for DDP to average.
optim_wrapper = dict(constructor='NoOptimizer')
model_wrapper_cfg = dict(type='rcg.NoWrapper')
