"""A Gaussian for the representations of each of 64 clusters of digits.

    python tools/train.py \\
        projects/mixture_source/configs/digits/mixture_representations.py

Needs the encoder and the clusters; see mixture_codes.py.
"""
_base_ = './mixture_codes.py'
work_dir = f'{_base_._root}/mixture_representations'
model = dict(tokenizer=None,
             mixture=dict(_base_._of_representations, _delete_=True))
custom_hooks = [
    dict(type='CacheFeaturesHook', cache_dir=f'{_base_._root}/features',
         names=['representations']),
]
