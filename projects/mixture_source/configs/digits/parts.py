"""Mixtures of the digits, not fitted yet: 64 clusters of 64 values."""
_mixture_root = '{{$RCG_ROOT:work_dirs/quickstart}}'
_clusters = dict(
    type='StoredRepresentations', num=64, rep_dim=64,
    checkpoint=f'{_mixture_root}/clusters.safetensors')
_of_codes = dict(type='GaussianMixture', num=64, rep_dim=64, shape=(4, 4, 4))
_of_representations = dict(type='GaussianMixture', num=64, rep_dim=64,
                           shape=(64, ))
