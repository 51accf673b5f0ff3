"""The pre-norm transformer block of the ViT (arXiv:2010.11929)."""
from torch import Tensor, nn

from rcg.models.layers.attention import Attention
from rcg.models.layers.mlp import Mlp


class Block(nn.Module):
    """Attention, then an MLP, each on normed input and added to it.

    LayerNorm eps is 1e-6, GELU is exact, as in every ViT that RCG builds on.

    Args:
        dim, num_heads, qkv_bias, attn_drop: See :class:`Attention`.
        mlp_ratio: Hidden width of the MLP over ``dim``.
        drop: Dropout after each projection and inside the MLP, in [0, 1).
    """

    def __init__(self, dim: int, num_heads: int, mlp_ratio: float = 4.,
                 qkv_bias: bool = True, drop: float = 0.,
                 attn_drop: float = 0.) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, num_heads, qkv_bias, attn_drop, drop)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = Mlp(dim, int(dim * mlp_ratio), drop=drop)

    def forward(self, x: Tensor) -> Tensor:
        """(N, L, dim) -> (N, L, dim)."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))
