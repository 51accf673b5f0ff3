"""Layers in sequence, whose activations may be recomputed."""
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class Chain(nn.ModuleList):
    """Layers in sequence, each called with its input and the same arguments.

    Args:
        layers: The layers; more may be appended.
        recompute: Whether the backward pass recomputes what is inside the
            layers instead of keeping it (arXiv:1604.06174). Loss and
            gradients are the same, dropout included; a step takes about a
            third longer.
    """

    def __init__(self, layers: Iterable[nn.Module],
                 recompute: bool = False) -> None:
        super().__init__(layers)
        self.recompute = recompute

    def forward(self, x: Tensor, *args: Tensor | None) -> Tensor:
        """What the last layer returns."""
        for layer in self:
            x = self.call(layer, x, *args)
        return x

    def call(self, layer: nn.Module, x: Tensor,
             *args: Tensor | None) -> Tensor:
        """What one of the layers returns, for walks with stops."""
        if self.recompute and torch.is_grad_enabled():
            return checkpoint(layer, x, *args, use_reentrant=False)
        return layer(x, *args)
