"""RDM by flow from the mixture, told which mode, on digits.

    python tools/train.py projects/mixture_source/configs/digits/mixture_rdm.py

Needs the encoder, the clusters and mixture_representations.py. All else is
that of configs/digits/rdm_flow.py.
"""
_base_ = ['rcg::digits/rdm_flow.py', './parts.py']
custom_imports = dict(imports=['rcg.projects.mixture_source'],
                      allow_failed_imports=False)
work_dir = f'{_base_._root}/mixture_rdm'
model = dict(
    type='MixtureRDM',
    denoiser=dict(context_dim=64),
    mixture=dict(_base_._of_representations, prefix='mixture.',
                 checkpoint=f'{_base_._root}/mixture_representations'))
