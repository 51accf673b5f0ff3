"""DiT: a transformer over patches of latents (arXiv:2212.09748).

N batch, C channels, h w latents, p side of a patch, L patches, D width.
"""
import torch
from torch import Tensor, nn

from rcg.models.layers.chain import Chain
from rcg.models.layers.condition import build_condition_embed
from rcg.models.layers.embeddings import position_table, timestep_embedding
from rcg.models.layers.transformer import Attention, Mlp, zero
from rcg.registry import MODELS


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Shift and scale (N, D) the tokens (N, L, D) of each image."""
    return x * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1)


class DiTBlock(nn.Module):
    """Transformer block steered by adaLN-zero: (N, L, D) -> (N, L, D)."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=1e-6, elementwise_affine=False)
        self.attn = Attention(dim, num_heads, qkv_bias=True)
        self.mlp = Mlp(dim, 4 * dim)
        self.modulation = nn.Linear(dim, 6 * dim)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """``c`` (N, D): SiLU of the sum of time and condition embedding."""
        (shift_attn, scale_attn, gate_attn, shift_mlp, scale_mlp,
         gate_mlp) = self.modulation(c).chunk(6, 1)  # each (N, D)
        x = x + gate_attn.unsqueeze(1) * self.attn(
            modulate(self.norm(x), shift_attn, scale_attn))
        return x + gate_mlp.unsqueeze(1) * self.mlp(
            modulate(self.norm(x), shift_mlp, scale_mlp))


class Output(nn.Module):
    """Tokens (N, L, D) -> values of their patches (N, L, p p channels)."""

    def __init__(self, dim: int, out_dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=1e-6, elementwise_affine=False)
        self.modulation = nn.Linear(dim, 2 * dim)
        self.linear = nn.Linear(dim, out_dim)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        shift, scale = self.modulation(c).chunk(2, 1)
        return self.linear(modulate(self.norm(x), shift, scale))


@MODELS.register_module()
class DiT(nn.Module):
    """Denoiser of latents: (x_t, t[, embedding]) -> prediction.

    Args:
        input_size: h = w, a multiple of ``patch_size``.
        patch_size: p.
        in_channels: C.
        dim: D, a multiple of 4 and of ``num_heads``.
        depth: Number of blocks.
        num_heads: Of the attention.
        condition: Config of the layer ``condition_embed``; None is
            unconditional.
        learn_variance: Whether to return 2 C channels.
        recompute: Of the blocks; see :class:`Chain`.

    Raises:
        ValueError: A number is not the multiple that it should be.
    """

    def __init__(self, input_size: int = 32, patch_size: int = 2,
                 in_channels: int = 4, dim: int = 1152, depth: int = 28,
                 num_heads: int = 16, condition: dict | None = None,
                 learn_variance: bool = True,
                 recompute: bool = False) -> None:
        super().__init__()
        if input_size % patch_size:
            raise ValueError(
                'the side of the latents must be a multiple of patch_size, '
                f'got input_size={input_size} and patch_size={patch_size}; '
                'change either of them.')
        self.input_size, self.patch_size = input_size, patch_size
        self.in_channels = in_channels
        self.out_channels = in_channels * (2 if learn_variance else 1)
        self.patch_embed = nn.Conv2d(in_channels, dim, patch_size, patch_size)
        table = position_table(dim, input_size // patch_size, row_first=False)
        self.register_buffer('position', table, persistent=False)  # (L, D)
        self.time_embed = nn.Sequential(nn.Linear(256, dim), nn.SiLU(),
                                        nn.Linear(dim, dim))
        self.condition_embed = build_condition_embed(condition, dim)
        self.blocks = Chain(
            (DiTBlock(dim, num_heads) for _ in range(depth)), recompute)
        self.output = Output(dim, patch_size**2 * self.out_channels)
        self.apply(self._init)
        # Every block starts as the identity, the network as zero.
        zero(self.output.linear)
        for part in [*self.blocks, self.output]:
            zero(part.modulation)
        for layer in self.time_embed[::2]:
            nn.init.normal_(layer.weight, std=.02)

    @staticmethod
    def _init(module: nn.Module) -> None:
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            # A patch is embedded by a linear layer in the guise of a conv.
            nn.init.xavier_uniform_(module.weight.flatten(1))
            nn.init.zeros_(module.bias)

    def forward(self, x: Tensor, t: Tensor,
                embedding: Tensor | None = None) -> Tensor:
        """Predict (N, C or 2 C, h, w) what the parameterization asks for.

        Args:
            x (N, C, h, w): Noisy latents.
            t (N,): Timesteps, int64.
            embedding (N, D): Of the condition, if any.
        """
        c = self.time_embed(timestep_embedding(t, 256))  # (N, D)
        if embedding is not None:
            c = c + embedding
        c = nn.functional.silu(c)  # once, and not in every block
        x = self.patch_embed(x).flatten(2).transpose(1, 2)  # (N, L, D)
        x = self.blocks(x + self.position, c)
        return self._images(self.output(x, c))

    def _images(self, x: Tensor) -> Tensor:  # (N, L, p p C') -> (N, C', h, w)
        grid, p = self.input_size // self.patch_size, self.patch_size
        x = x.view(-1, grid, grid, p, p, self.out_channels)
        x = torch.einsum('nhwpqc->nchpwq', x)
        return x.reshape(-1, self.out_channels, grid * p, grid * p)
