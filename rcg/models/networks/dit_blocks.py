"""Blocks of DiT, and what they may be made of.

N batch, L tokens, D width. What steers a block is of the image (N, D) or of
each token (N, L, D).
"""
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rcg.models.layers.chain import Chain
from rcg.models.layers.embeddings import position_table
from rcg.models.layers.gated_mlp import GatedMlp
from rcg.models.layers.patches import patch_embedding
from rcg.models.layers.rms_norm import RMSNorm
from rcg.models.layers.rotary import rotary_table
from rcg.models.layers.transformer import Attention, Mlp


@dataclass(frozen=True)
class DiTForm:
    """Options in which transformers differ; the defaults are DiT's.

    Attributes:
        rms_norm: Whether blocks normalize by RMSNorm, not by LayerNorm.
        swiglu: Whether the MLPs are SwiGLUs (arXiv:2002.05202), with two
            thirds of the hidden units: as many weights. The number is rounded
            up to a multiple of 8, with which GPUs multiply fast.
        rotary: Whether attention sees rotary positions, too (axial, on the
            grid of patches; arXiv:2104.09864).
        qk_norm: See :class:`~rcg.models.layers.transformer.Attention`.
        context_tokens: K, tokens that stand for the condition among those of
            the image (JiT, arXiv:2511.13720 section 4.3): its embedding, each
            with a learned vector added. Without a condition they are those
            vectors. The condition goes on steering the blocks, too.
        context_start: Number of blocks without those tokens.
        bottleneck_dim: See
            :func:`~rcg.models.layers.patches.patch_embedding`.
        head: ``dim``, ``depth`` and ``num_heads`` of a :class:`WideHead`;
            None: there is none.
    """
    rms_norm: bool = False
    swiglu: bool = False
    rotary: bool = False
    qk_norm: bool = False
    context_tokens: int = 0
    context_start: int = 0
    bottleneck_dim: int | None = None
    head: dict | None = None

    def norm(self, dim: int) -> nn.Module:
        """Without scale and shift: a block is steered by them."""
        cls = RMSNorm if self.rms_norm else nn.LayerNorm
        return cls(dim, eps=1e-6, elementwise_affine=False)

    def mlp(self, dim: int) -> nn.Module:
        if self.swiglu:
            return GatedMlp(dim, 8 * math.ceil(dim / 3), act=F.silu)
        return Mlp(dim, 4 * dim)

    def blocks(self, dim: int, depth: int, num_heads: int,
               recompute: bool) -> Chain:
        return Chain((DiTBlock(dim, num_heads, self) for _ in range(depth)),
                     recompute)

    def rotary_table(self, dim: int, num_heads: int, grid_size: int,
                     num_unplaced: int = 0) -> Tensor | None:
        if not self.rotary:
            return None
        return rotary_table(dim // num_heads, grid_size, num_unplaced)


def steer(linear: nn.Linear, c: Tensor, count: int) -> tuple[Tensor, ...]:
    """Vectors (N, 1 or L, D), ``count`` of them, for all or each token."""
    values = linear(c)
    if values.ndim == 2:
        values = values.unsqueeze(1)
    return values.chunk(count, -1)


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Shift and scale tokens (N, L, D)."""
    return x * (1 + scale) + shift


class DiTBlock(nn.Module):
    """Transformer block steered by adaLN-zero: (N, L, D) -> (N, L, D)."""

    def __init__(self, dim: int, num_heads: int, form: DiTForm) -> None:
        super().__init__()
        self.norm = form.norm(dim)
        self.attn = Attention(dim, num_heads, qkv_bias=True,
                              qk_norm=form.qk_norm)
        self.mlp = form.mlp(dim)
        self.modulation = nn.Linear(dim, 6 * dim)

    def forward(self, x: Tensor, c: Tensor,
                rotary: Tensor | None = None) -> Tensor:
        """``c`` (N, D) or (N, L, D): what steers, after a SiLU."""
        (shift_attn, scale_attn, gate_attn, shift_mlp, scale_mlp,
         gate_mlp) = steer(self.modulation, c, 6)
        x = x + gate_attn * self.attn(
            modulate(self.norm(x), shift_attn, scale_attn), rotary)
        return x + gate_mlp * self.mlp(
            modulate(self.norm(x), shift_mlp, scale_mlp))


class Output(nn.Module):
    """Tokens (N, L, D) -> values of their patches (N, L, p p channels)."""

    def __init__(self, dim: int, out_dim: int, form: DiTForm) -> None:
        super().__init__()
        self.norm = form.norm(dim)
        self.modulation = nn.Linear(dim, 2 * dim)
        self.linear = nn.Linear(dim, out_dim)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        shift, scale = steer(self.modulation, c, 2)
        return self.linear(modulate(self.norm(x), shift, scale))


class ContextTokens(nn.Module):
    """Puts K tokens of the condition before those of the image."""

    def __init__(self, count: int, dim: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(1, count, dim) * .02)

    def forward(self, x: Tensor, embedding: Tensor | None) -> Tensor:
        """(N, L, D) and (N, D) or None -> (N, K + L, D)."""
        tokens = self.vectors
        if embedding is not None:
            tokens = tokens + embedding.unsqueeze(1)
        tokens = tokens.to(x.dtype).expand(len(x), -1, -1)
        return torch.cat([tokens, x], 1)


class WideHead(nn.Module):
    """A wide, shallow transformer that decodes what the blocks understood.

    The head of RAE (arXiv:2510.11690 section 5), after DDT
    (arXiv:2504.05741): it embeds the noisy image by itself, and each of its
    tokens is steered by the token of the same patch that the blocks made.
    Its width can so exceed that of the data without widening the blocks.

    Args:
        dim: D', width of the head.
        depth: Number of its blocks.
        num_heads: Of its attention.
        backbone: ``dim`` of the blocks, ``in_channels``, ``patch_size`` and
            ``grid_size``.
        form: Of the network.
        recompute: See :class:`Chain`.
    """

    def __init__(self, dim: int, depth: int, num_heads: int, *,
                 backbone: dict, form: DiTForm, recompute: bool) -> None:
        super().__init__()
        grid = backbone['grid_size']
        self.dim = dim
        self.patch_embed = patch_embedding(
            backbone['in_channels'], dim, backbone['patch_size'],
            form.bottleneck_dim)
        self.register_buffer('position', position_table(
            dim, grid, row_first=False), persistent=False)
        self.register_buffer('rotary', form.rotary_table(
            dim, num_heads, grid), persistent=False)
        self.proj = nn.Linear(backbone['dim'], dim)
        self.blocks = form.blocks(dim, depth, num_heads, recompute)

    def forward(self, image: Tensor, tokens: Tensor, time: Tensor
                ) -> tuple[Tensor, Tensor]:
        """Tokens (N, L, D'), and what steers them, of the same shape.

        Args:
            image (N, C, h, w): Noisy.
            tokens (N, L, D): Of the blocks.
            time (N, D): Embedding of the time.
        """
        c = F.silu(self.proj(tokens + time.unsqueeze(1)))  # (N, L, D')
        x = self.patch_embed(image).flatten(2).transpose(1, 2)
        return self.blocks(x + self.position, c, self.rotary), c
