"""A Gaussian for the RAE codes of each of 8,192 clusters of ImageNet.

    bash tools/dist_train.sh \\
        projects/mixture_source/configs/imagenet/mixture_codes.py 8

Needs the clusters (representations.py) and RAE's tokenizer
(projects/rae/configs/imagenet/tokenizer.py). One epoch.
"""
_base_ = [
    'rcg::_base_/default_runtime.py', 'rcg::_base_/datasets/imagenet_256.py',
    '../../../rae/configs/imagenet/parts.py', './parts.py'
]
custom_imports = dict(
    imports=['rcg.projects.rae', 'rcg.projects.mixture_source'],
    allow_failed_imports=False)
work_dir = 'work_dirs/mixture_source/mixture_codes'
model = dict(
    type='MixtureTraining',
    data_preprocessor=dict(type='ImagePreprocessor'),
    encoder=_base_._mode_encoder,
    tokenizer=dict(_base_._autoencoder, prefix='tokenizer.',
                   checkpoint='work_dirs/rae/tokenizer'),
    clusters=_base_._clusters,
    mixture=_base_._of_codes)
train_cfg = dict(type='StreamTrainLoop',
                 max_samples=_base_._epoch_of_512 * 512)
train_dataloader = dict(batch_size=64)  # 8 processes
# Closed form: nothing to step, nothing for DDP to average.
optim_wrapper = dict(constructor='NoOptimizer')
model_wrapper_cfg = dict(type='rcg.NoWrapper')
