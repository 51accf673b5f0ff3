"""Attention of U-Nets over the places of a feature map.

Letters: N batch, C channels, h w feature map, L = h w places, H heads, M
context tokens, E their width.
"""
from torch import Tensor, nn

from rcg.models.layers.attend import attend
from rcg.models.layers.gated_mlp import GatedMlp
from rcg.models.layers.group_norm import GroupNorm
from rcg.models.layers.transformer import zero


def to_tokens(x: Tensor) -> Tensor:
    """(N, C, h, w) -> (N, L, C)."""
    return x.flatten(2).transpose(1, 2)


class SpatialSelfAttention(nn.Module):
    """ADM's self-attention with a skip path (arXiv:2105.05233).

    ``dim`` is C, divisible by ``head_dim`` and by ``groups`` of the norm.
    """

    def __init__(self, dim: int, head_dim: int, groups: int) -> None:
        super().__init__()
        self.head_dim = head_dim
        self.norm = GroupNorm(groups, dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = zero(nn.Linear(dim, dim))

    def forward(self, x: Tensor, *_) -> Tensor:
        """(N, C, h, w) to the same."""
        qkv = self.qkv(to_tokens(self.norm(x)))  # (N, L, 3 C)
        # Channels are ordered by head; q, k and v are inside each head.
        qkv = qkv.unflatten(-1, (-1, 3, self.head_dim))
        q, k, v = qkv.permute(3, 0, 2, 1, 4)  # each (N, H, L, C/H)
        mixed = attend(q, k, v)
        mixed = self.proj(mixed.transpose(1, 2).flatten(2))  # (N, L, C)
        return x + mixed.transpose(1, 2).view_as(x)


class TokenAttention(nn.Module):
    """Attention of tokens to context tokens, or to themselves.

    ``dim`` is C, divisible by ``head_dim``; ``context_dim`` is E.
    """

    def __init__(self, dim: int, context_dim: int, head_dim: int) -> None:
        super().__init__()
        self.head_dim = head_dim
        self.q = nn.Linear(dim, dim, bias=False)
        self.k = nn.Linear(context_dim, dim, bias=False)
        self.v = nn.Linear(context_dim, dim, bias=False)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """(N, L, C) and (N, M, E) -> (N, L, C)."""
        q, k, v = (y.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
                   for y in (self.q(x), self.k(context), self.v(context)))
        mixed = attend(q, k, v)  # (N, H, L, C/H)
        return self.proj(mixed.transpose(1, 2).flatten(2))


class SpatialTransformer(nn.Module):
    """Latent diffusion's transformer block (arXiv:2112.10752), section 3.3.

    Self-attention, attention to the context and an MLP, between two 1x1
    convolutions, with a skip path around them all. ``dim`` is C, divisible by
    ``head_dim`` and by ``groups``, the groups of the norm; ``context_dim`` is
    E.
    """

    def __init__(self, dim: int, context_dim: int, head_dim: int,
                 groups: int) -> None:
        super().__init__()
        self.norm = GroupNorm(groups, dim, eps=1e-6)
        self.proj_in = nn.Conv2d(dim, dim, 1)
        self.norm_self = nn.LayerNorm(dim)
        self.self_attn = TokenAttention(dim, dim, head_dim)
        self.norm_cross = nn.LayerNorm(dim)
        self.cross_attn = TokenAttention(dim, context_dim, head_dim)
        self.norm_mlp = nn.LayerNorm(dim)
        self.mlp = GatedMlp(dim, 4 * dim)
        self.proj_out = zero(nn.Conv2d(dim, dim, 1))

    def forward(self, x: Tensor, _, context: Tensor) -> Tensor:
        """(N, C, h, w) and (N, M, E) -> (N, C, h, w)."""
        h = to_tokens(self.proj_in(self.norm(x)))  # (N, L, C)
        normed = self.norm_self(h)
        h = h + self.self_attn(normed, normed)
        h = h + self.cross_attn(self.norm_cross(h), context)
        h = h + self.mlp(self.norm_mlp(h))
        return x + self.proj_out(h.transpose(1, 2).view_as(x))
