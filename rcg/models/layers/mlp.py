"""Multilayer perceptrons, and layers that start as nothing."""
from itertools import pairwise

from torch import Tensor, nn


class Mlp(nn.Module):
    """The transformer's: (..., dim) -> (..., dim), GELU, dropout.

    As timm's, whose import takes two seconds of every start.
    """

    def __init__(self, dim: int, hidden_dim: int, drop: float = 0.) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.act = nn.GELU()
        self.drop = nn.Dropout(drop)
        self.fc2 = nn.Linear(hidden_dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(self.fc2(self.drop(self.act(self.fc1(x)))))


def zero(layer: nn.Module) -> nn.Module:
    """Let a layer start with zeros, so that its branch adds nothing."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


def batch_norm_mlp(*dims: int) -> nn.Sequential:
    """Projector or predictor of MoCo v3 (arXiv:2104.02057, section 4.1).

    Linear layers without bias of these input, hidden and output sizes, each
    followed by batch norm; ReLU between them. The last batch norm has no scale
    and shift: the output is whitened per dimension whatever the weights do.
    """
    layers = []
    for fan_in, fan_out in pairwise(dims):
        layers += [nn.Linear(fan_in, fan_out, bias=False),
                   nn.BatchNorm1d(fan_out), nn.ReLU(inplace=True)]
    layers[-2:] = [nn.BatchNorm1d(dims[-1], affine=False)]
    return nn.Sequential(*layers)
