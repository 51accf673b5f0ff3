"""DINOv2's pooled features, to be clustered; or an RDM of them.

    python tools/store_representations.py \\
        projects/mixture_source/configs/imagenet/representations.py \\
        --clusters 8192 --views 1 \\
        --out work_dirs/mixture_source/clusters.safetensors
"""
_base_ = ['rcg::_base_/rdm_imagenet.py', './parts.py']
work_dir = 'work_dirs/mixture_source/representations'
model = dict(encoder=_base_._mode_encoder, denoiser=dict(rep_dim=768))
val_evaluator = dict(encoder=_base_._mode_encoder)
test_evaluator = [
    dict(metric, encoder=_base_._mode_encoder)
    for metric in _base_.test_evaluator
]
