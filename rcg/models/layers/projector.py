"""The projector of MoCo v3."""
from itertools import pairwise

from torch import nn


def batch_norm_mlp(*dims: int) -> nn.Sequential:
    """Projector or predictor of MoCo v3 (arXiv:2104.02057, section 4.1).

    Linear layers without bias, each followed by batch norm, with ReLU between
    them. The last batch norm has no scale and shift, so that each dimension
    of the output has mean 0 and variance 1 over the batch.

    Args:
        dims: Input, hidden and output widths; one linear layer for each pair
            of neighbours.
    """
    layers = []
    for fan_in, fan_out in pairwise(dims):
        layers += [nn.Linear(fan_in, fan_out, bias=False),
                   nn.BatchNorm1d(fan_out), nn.ReLU(inplace=True)]
    layers[-2:] = [nn.BatchNorm1d(dims[-1], affine=False)]
    return nn.Sequential(*layers)
