"""Layers of vision transformers: N batch, L tokens, H heads, D width."""
from torch import Tensor, nn

from rcg.models.layers.attend import attend
from rcg.models.layers.dropout import Dropout
from rcg.models.layers.rms_norm import RMSNorm
from rcg.models.layers.rotary import rotate


class Attention(nn.Module):
    """Multi-head softmax self-attention over all tokens.

    Products of queries and keys are scaled by head_dim^-0.5.

    Args:
        dim: D, divisible by ``num_heads``.
        qkv_bias: Whether queries, keys and values have a bias.
        attn_drop: Dropout of the attention weights, in [0, 1).
        proj_drop: Dropout of the output, in [0, 1).
        qk_norm: Whether queries and keys are divided by their root mean
            square, channel by channel scaled by what is learned. As long as
            that is 1, no product exceeds head_dim^.5 (QK norm,
            arXiv:2302.05442 section 2.1, with RMSNorm).
        proj_bias: Whether the output has a bias.

    Raises:
        ValueError: ``dim`` is not a multiple of ``num_heads``.
    """

    def __init__(self, dim: int, num_heads: int = 8, qkv_bias: bool = False,
                 attn_drop: float = 0., proj_drop: float = 0.,
                 qk_norm: bool = False, proj_bias: bool = True) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f'dim must be a multiple of num_heads, got {dim} '
                             f'and {num_heads}; change either of them.')
        self.num_heads, self.attn_drop = num_heads, attn_drop
        self.qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim, bias=proj_bias)
        self.proj_drop = Dropout(proj_drop)
        self.q_norm = self.k_norm = None
        if qk_norm:
            self.q_norm = RMSNorm(dim // num_heads, eps=1e-6)
            self.k_norm = RMSNorm(dim // num_heads, eps=1e-6)

    def forward(self, x: Tensor, rotary: Tensor | None = None) -> Tensor:
        """Mix tokens; (N, L, D) -> (N, L, D).

        ``rotary`` (2, L, D/H/2) turns queries and keys; see
        :func:`~rcg.models.layers.rotary.rotate`.
        """
        qkv = self.qkv(x).unflatten(-1, (3, self.num_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (N, H, L, D/H)
        if self.q_norm is not None:
            q, k = self.q_norm(q), self.k_norm(k)
        if rotary is not None:
            q, k = rotate(q, rotary), rotate(k, rotary)
        x = attend(q, k, v, self.attn_drop if self.training else 0.)
        return self.proj_drop(self.proj(x.transpose(1, 2).flatten(2)))


class Mlp(nn.Module):
    """Two linear layers with exact GELU and dropout.

    It is the same as timm's, but importing timm takes two seconds.
    """

    def __init__(self, dim: int, hidden_dim: int, drop: float = 0.) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.act = nn.GELU()
        self.drop = Dropout(drop)
        self.fc2 = nn.Linear(hidden_dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """(..., dim) -> (..., dim)."""
        return self.drop(self.fc2(self.drop(self.act(self.fc1(x)))))


class Block(nn.Module):
    """The pre-norm transformer block of the ViT (arXiv:2010.11929).

    Attention, then an MLP, each on normalized input and added to its input.
    The eps of LayerNorm is 1e-6, as in every ViT that RCG builds on.

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


def zero(layer: nn.Module) -> nn.Module:
    """Set a layer's parameters to 0, so that its branch starts at 0."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
