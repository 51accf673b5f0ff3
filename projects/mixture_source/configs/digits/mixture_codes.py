"""A Gaussian for the latents of each of 64 clusters of digits.

    python tools/store_representations.py configs/digits/rdm.py \\
        --clusters 64 --out work_dirs/quickstart/clusters.safetensors
    python tools/train.py \\
        projects/mixture_source/configs/digits/mixture_codes.py

Needs encoder and latents (configs/digits/*.py). The clusters are those of
configs/digits/mage_cluster.py. Two batches are one pass over the 1,438 digits.
"""
_base_ = [
    'rcg::_base_/default_runtime.py', 'rcg::_base_/datasets/digits.py',
    'rcg::_base_/models/digits_parts.py', './parts.py'
]
custom_imports = dict(imports=['rcg.projects.mixture_source'],
                      allow_failed_imports=False)
work_dir = f'{_base_._root}/mixture_codes'
model = dict(
    type='MixtureTraining',
    data_preprocessor=dict(type='ImagePreprocessor'),
    encoder=dict(_base_.encoder, checkpoint=f'{_base_._root}/encoder',
                 prefix='encoder.'),
    tokenizer=dict(_base_._latents, checkpoint=f'{_base_._root}/latents',
                   prefix='tokenizer.'),
    clusters=_base_._clusters,
    mixture=_base_._of_codes)
train_cfg = dict(type='StreamTrainLoop', max_samples=2 * 719)
train_dataloader = dict(batch_size=719)
# Closed form: nothing to step, nothing for DDP to average.
optim_wrapper = dict(constructor='NoOptimizer')
model_wrapper_cfg = dict(type='rcg.NoWrapper')
custom_hooks = [
    dict(type='CacheFeaturesHook', cache_dir=f'{_base_._root}/features',
         names=['codes', 'representations']),
]
