"""DiT: a transformer over patches of latents or pixels (arXiv:2212.09748).

N batch, C channels, h w latents, p side of a patch, L patches, D width, K
context tokens.
"""
import torch
from torch import Tensor, nn

from rcg.models.layers.condition import build_condition_embed
from rcg.models.layers.embeddings import position_table, timestep_embedding
from rcg.models.layers.patches import patch_embedding
from rcg.models.layers.transformer import zero
from rcg.models.networks.dit_blocks import (
    ContextTokens,
    DiTForm,
    Output,
    WideHead,
)
from rcg.registry import MODELS


@MODELS.register_module()
class DiT(nn.Module):
    """Denoiser of latents or pixels: (x_t, t[, embedding]) -> prediction.

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
        recompute: Of the blocks; see :class:`~rcg.models.layers.chain.Chain`.
        form: Attributes of :class:`DiTForm` that are not DiT's.

    Raises:
        ValueError: A number is not the multiple that it should be, or is
            out of range.
    """

    def __init__(self, input_size: int = 32, patch_size: int = 2,
                 in_channels: int = 4, dim: int = 1152, depth: int = 28,
                 num_heads: int = 16, condition: dict | None = None,
                 learn_variance: bool = True, recompute: bool = False,
                 form: dict | None = None) -> None:
        super().__init__()
        form = DiTForm(**form or {})
        _check(input_size, patch_size, depth, form)
        self.input_size, self.patch_size = input_size, patch_size
        self.in_channels = in_channels
        self.out_channels = in_channels * (2 if learn_variance else 1)
        self.dim, self.depth = dim, depth
        grid = input_size // patch_size
        self.patch_embed = patch_embedding(in_channels, dim, patch_size,
                                           form.bottleneck_dim)
        self._add_positions(num_heads, grid, form)
        self.time_embed = nn.Sequential(nn.Linear(256, dim), nn.SiLU(),
                                        nn.Linear(dim, dim))
        self.condition_embed = build_condition_embed(condition, dim)
        self.blocks = form.blocks(dim, depth, num_heads, recompute)
        self.context = None
        self.context_start = form.context_start
        if form.context_tokens:
            self.context = ContextTokens(form.context_tokens, dim)
        self.head = None
        if form.head is not None:
            self.head = WideHead(
                **form.head, form=form, recompute=recompute, backbone=dict(
                    dim=dim, in_channels=in_channels, patch_size=patch_size,
                    grid_size=grid))
        self.output = Output(dim if self.head is None else self.head.dim,
                             patch_size**2 * self.out_channels, form)
        self._initialize()

    def _add_positions(self, num_heads: int, grid: int,
                       form: DiTForm) -> None:
        self.register_buffer('position', position_table(
            self.dim, grid, row_first=False), persistent=False)  # (L, D)
        self.register_buffer('rotary', form.rotary_table(
            self.dim, num_heads, grid, form.context_tokens), persistent=False)

    def _initialize(self) -> None:
        self.apply(self._init)
        # Every block starts as the identity, the network as zero.
        zero(self.output.linear)
        head = [] if self.head is None else self.head.blocks
        for part in [*self.blocks, *head, self.output]:
            zero(part.modulation)
        for layer in self.time_embed[::2]:
            nn.init.normal_(layer.weight, std=.02)

    @staticmethod
    def _init(module: nn.Module) -> None:
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            # A patch is embedded by a linear layer in the guise of a conv.
            nn.init.xavier_uniform_(module.weight.flatten(1))
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor, t: Tensor, embedding: Tensor | None = None,
                hidden_depth: int | None = None
                ) -> Tensor | tuple[Tensor, Tensor]:
        """Predict (N, C or 2 C, h, w) what the parameterization asks for.

        Args:
            x (N, C, h, w): Noisy latents.
            t (N,): Times, as the diffusion counts them.
            embedding (N, D): Of the condition, if any.
            hidden_depth: Number of blocks after which tokens are wanted,
                too, in [1, depth].

        Returns:
            (N, C or 2 C, h, w), and with ``hidden_depth`` the tokens (N, L, D)
            of the patches, row-major, that so many blocks have made.
        """
        time = self.time_embed(timestep_embedding(t, 256))  # (N, D)
        c = time if embedding is None else time + embedding
        c = nn.functional.silu(c)  # once, and not in every block
        tokens, hidden = self._tokens(x, c, embedding, hidden_depth)
        if self.head is not None:
            tokens, c = self.head(x, tokens, time)
        prediction = self._images(self.output(tokens, c))
        return prediction if hidden_depth is None else (prediction, hidden)

    def _tokens(self, x: Tensor, c: Tensor, embedding: Tensor | None,
                hidden_depth: int | None) -> tuple[Tensor, Tensor | None]:
        """What the blocks make of an image, at the end and on the way."""
        x = self.patch_embed(x).flatten(2).transpose(1, 2)  # (N, L, D)
        x, hidden, size = x + self.position, None, len(self.position)
        for number, block in enumerate(self.blocks):
            if self.context is not None and number == self.context_start:
                x = self.context(x, embedding)  # (N, K + L, D)
            rotary = self.rotary
            if rotary is not None:
                rotary = rotary[:, -x.shape[1]:]
            x = self.blocks.call(block, x, c, rotary)
            if number + 1 == hidden_depth:
                hidden = x[:, -size:]
        return x[:, -size:], hidden

    def _images(self, x: Tensor) -> Tensor:  # (N, L, p p C') -> (N, C', h, w)
        grid, p = self.input_size // self.patch_size, self.patch_size
        x = x.view(-1, grid, grid, p, p, self.out_channels)
        x = torch.einsum('nhwpqc->nchpwq', x)
        return x.reshape(-1, self.out_channels, grid * p, grid * p)


def _check(input_size: int, patch_size: int, depth: int,
           form: DiTForm) -> None:
    if input_size % patch_size:
        raise ValueError(
            'the side of the latents must be a multiple of patch_size, '
            f'got input_size={input_size} and patch_size={patch_size}; '
            'change either of them.')
    if form.context_tokens < 0 or not (
            0 <= form.context_start < max(depth, 1)):
        raise ValueError(
            'form.context_tokens must be at least 0, form.context_start in '
            f'[0, {depth}), the number of blocks; got '
            f'{form.context_tokens} and {form.context_start}.')
