"""Sizes of DiT (arXiv:2212.09748, table 1).

Each has patches of 2, 4 or 8 latents, which a leaf or
``--cfg-options model.generator.network.patch_size=4`` chooses. A leaf of
another size has two lines:

    _base_ = './dit_xl.py'
    model = dict(generator=dict(network=_base_._dit['l']))
"""
_dit = dict(
    s=dict(dim=384, depth=12, num_heads=6),
    b=dict(dim=768, depth=12, num_heads=12),
    l=dict(dim=1024, depth=24, num_heads=16),
    xl=dict(dim=1152, depth=28, num_heads=16))
