"""Mixtures of the digits, not fitted yet: 64 clusters of 64 values."""
_base_ = 'rcg::_base_/models/digits_conditions.py'  # the clusters
_of_codes = dict(type='GaussianMixture', num=64, rep_dim=64, shape=(4, 4, 4))
_of_representations = dict(type='GaussianMixture', num=64, rep_dim=64,
                           shape=(64, ))
