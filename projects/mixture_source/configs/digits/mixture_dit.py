"""DiT by flow from the mixture, told which mode, on digits.

    python tools/train.py projects/mixture_source/configs/digits/mixture_dit.py

Needs encoder, latents and classifier (configs/digits/*.py), the clusters and
mixture_codes.py. Sampling draws a mode as often as it has training digits, as
configs/digits/mage_cluster.py does; there is no RDM. All else is that of
configs/digits/dit_flow.py.
"""
_base_ = ['rcg::digits/dit_flow.py', './parts.py']
custom_imports = dict(imports=['rcg.projects.mixture_source'],
                      allow_failed_imports=False)
work_dir = f'{_base_._root}/mixture_dit'
model = dict(
    rdm=dict(_base_._clusters, _delete_=True),
    generator=dict(
        network=dict(condition=dict(
            _delete_=True, type='ClusterCondition',
            clusters=_base_._clusters, drop_prob=.1)),
        source=dict(type='MixtureSource', mixture=dict(
            _base_._of_codes, prefix='mixture.',
            checkpoint=f'{_base_._root}/mixture_codes'))))
