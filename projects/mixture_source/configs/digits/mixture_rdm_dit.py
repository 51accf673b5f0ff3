"""dit_flow.py with representations of the RDM of mixture_rdm.py.

    python tools/train.py \\
        projects/mixture_source/configs/digits/mixture_rdm_dit.py
"""
_base_ = ['rcg::digits/dit_flow.py', './parts.py']
custom_imports = dict(imports=['rcg.projects.mixture_source'],
                      allow_failed_imports=False)
work_dir = f'{_base_._root}/mixture_rdm_dit'
model = dict(rdm=dict(
    type='MixtureRDM',
    denoiser=dict(context_dim=64),
    diffusion=dict(_delete_=True, type='FlowMatching', parameterization='v'),
    sampler=dict(_delete_=True, type='EulerSampler', num_steps=50),
    mixture=dict(_base_._of_representations, prefix='mixture.',
                 checkpoint=f'{_base_._root}/mixture_representations'),
    checkpoint=f'{_base_._root}/mixture_rdm'))
