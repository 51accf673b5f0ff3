"""Multilayer perceptrons: the transformer's is timm's ``Mlp``."""
from itertools import pairwise

from timm.layers import Mlp
from torch import nn

__all__ = ['Mlp', 'batch_norm_mlp']


def batch_norm_mlp(*dims: int) -> nn.Sequential:
    """Projector or predictor of MoCo v3 (arXiv:2104.02057, section 4.1).

    Linear layers without bias, each followed by batch norm; ReLU between
    them. The last batch norm has no scale and shift, so that the output is
    whitened per dimension whatever the weights do.

    Args:
        dims: Input, hidden and output sizes.
    """
    layers = []
    for i, (fan_in, fan_out) in enumerate(pairwise(dims), start=2):
        last = i == len(dims)
        layers += [nn.Linear(fan_in, fan_out, bias=False),
                   nn.BatchNorm1d(fan_out, affine=not last)]
        if not last:
            layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)
