"""An MLP whose hidden units are gated."""
from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn


class GatedMlp(nn.Module):
    """Two linear layers with a gate between them (arXiv:2002.05202).

    Args:
        dim: Width of input and output.
        hidden_dim: Number of gated units.
        act: Of the gate: GELU makes GEGLU, SiLU makes SwiGLU.
    """

    def __init__(self, dim: int, hidden_dim: int,
                 act: Callable[[Tensor], Tensor] = F.gelu) -> None:
        super().__init__()
        self.act = act
        self.fc1 = nn.Linear(dim, 2 * hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """(..., dim) -> (..., dim)."""
        value, gate = self.fc1(x).chunk(2, -1)
        return self.fc2(value * self.act(gate))
