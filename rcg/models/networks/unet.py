"""The U-Net of ADM (arXiv:2105.05233) and latent diffusion (2112.10752).

N batch, C channels, h w feature map, T width of the time embedding, E width
of the condition's embedding.
"""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rcg.models.layers.chain import Chain
from rcg.models.layers.condition import build_condition_embed
from rcg.models.layers.dropout import Dropout
from rcg.models.layers.embeddings import timestep_embedding
from rcg.models.layers.group_norm import GroupNorm
from rcg.models.layers.spatial_attention import (
    SpatialSelfAttention,
    SpatialTransformer,
)
from rcg.models.layers.transformer import zero
from rcg.registry import MODELS


@dataclass(frozen=True)
class UNetForm:
    """Options in which the published U-Nets differ; the defaults are ADM's.

    Attributes:
        context_dim: E, width of the context tokens that spatial transformers
            attend to (latent diffusion). If None, the map attends to itself,
            and the embedding of the condition is added to that of the time.
        head_dim: Width of an attention head.
        scale_shift: Whether the time scales and shifts the output of a
            block's second norm (True) or is added to its input (False).
        residual_resampling: Whether residual blocks (True) or single
            convolutions (False) change the resolution.
        learn_variance: Whether to return twice the channels; the second half
            is the variance.
        groups: Number of groups of every norm.
        drop: Dropout before the last convolution of a residual block.
        recompute: Whether the backward pass recomputes activations instead of
            keeping them (arXiv:1604.06174).
    """
    context_dim: int | None = None
    head_dim: int = 64
    scale_shift: bool = True
    residual_resampling: bool = True
    learn_variance: bool = True
    groups: int = 32
    drop: float = 0.
    recompute: bool = False

    def attention(self, dim: int) -> nn.Module:
        if self.context_dim is None:
            return SpatialSelfAttention(dim, self.head_dim, self.groups)
        return SpatialTransformer(dim, self.context_dim, self.head_dim,
                                  self.groups)

    def resampling(self, dim: int, time_dim: int, scale: float) -> nn.Module:
        if self.residual_resampling:
            return ResidualBlock(dim, dim, time_dim, self, scale)
        return Resampling(dim, scale)


def resample(x: Tensor, scale: float) -> Tensor:
    """Halve (scale .5, averages) or double (2, nearest) the resolution."""
    if scale < 1:
        return F.avg_pool2d(x, 2)
    return F.interpolate(x, scale_factor=scale, mode='nearest')


class Resampling(nn.Module):
    """Halve or double the resolution by a convolution."""

    def __init__(self, dim: int, scale: float) -> None:
        super().__init__()
        self.doubles = scale > 1
        self.conv = nn.Conv2d(dim, dim, 3, 1 if self.doubles else 2, 1)

    def forward(self, x: Tensor, *_) -> Tensor:
        """(N, C, h, w) -> (N, C, scale h, scale w)."""
        return self.conv(resample(x, 2.) if self.doubles else x)


class ResidualBlock(nn.Module):
    """Norm, SiLU and 3x3 convolution, twice, with a skip path.

    ``scale``, if not 1, changes the resolution on both paths.
    """

    def __init__(self, in_dim: int, out_dim: int, time_dim: int,
                 form: UNetForm, scale: float = 1.) -> None:
        super().__init__()
        self.scale, self.scale_shift = scale, form.scale_shift
        self.norm1 = GroupNorm(form.groups, in_dim)
        self.conv1 = nn.Conv2d(in_dim, out_dim, 3, padding=1)
        steered = 2 * out_dim if form.scale_shift else out_dim
        self.time_proj = nn.Linear(time_dim, steered)
        self.norm2 = GroupNorm(form.groups, out_dim)
        self.drop = Dropout(form.drop)
        self.conv2 = zero(nn.Conv2d(out_dim, out_dim, 3, padding=1))
        self.shortcut = (nn.Identity() if in_dim == out_dim else
                         nn.Conv2d(in_dim, out_dim, 1))

    def forward(self, x: Tensor, time: Tensor, *_) -> Tensor:
        """(N, in_dim, h, w) and activated time embedding (N, T) ->
        (N, out_dim, scale h, scale w)."""
        h = F.silu(self.norm1(x))
        if self.scale != 1:
            h, x = resample(h, self.scale), resample(x, self.scale)
        h = self.conv1(h)
        time = self.time_proj(time)[:, :, None, None]
        if self.scale_shift:
            scale, shift = time.chunk(2, 1)
            h = self.norm2(h) * (1 + scale) + shift
        else:
            h = self.norm2(h + time)
        return self.shortcut(x) + self.conv2(self.drop(F.silu(h)))


@MODELS.register_module()
class UNet(nn.Module):
    """Denoiser of images or latents: (x_t, t[, embedding]) -> prediction.

    Args:
        input_size: Height and width of the data.
        in_channels: Channels of the data. ``out_channels`` is the same, or
            twice that with a learned variance.
        dim: Base width; T = 4 dim.
        dim_mult: Width of each level in units of ``dim``, full resolution
            first. Each level has half the resolution of the one before.
        num_res_blocks: Residual blocks of a level on the way down; on the way
            up there is one more.
        attention_levels: Levels (0 is full resolution) with attention after
            each block. The middle always has attention.
        condition: Config of the layer ``condition_embed``; None is
            unconditional. A form with contexts then learns one token.
        form: Attributes of :class:`UNetForm` that are not ADM's.

    Raises:
        ValueError: A size is not the multiple that it should be, or there is
            no such level.
    """

    def __init__(self, input_size: int, in_channels: int, dim: int,
                 dim_mult: tuple[int, ...], num_res_blocks: int,
                 attention_levels: tuple[int, ...] = (),
                 condition: dict | None = None,
                 form: dict | None = None) -> None:
        super().__init__()
        form = UNetForm(**form or {})
        widths = [dim * factor for factor in dim_mult]
        _check(input_size, widths, attention_levels, form)
        self.input_size, self.in_channels = input_size, in_channels
        self.out_channels = in_channels * (2 if form.learn_variance else 1)
        self.dim, self.context_dim = dim, form.context_dim
        time_dim = 4 * dim
        self.time_embed = nn.Sequential(
            nn.Linear(dim, time_dim), nn.SiLU(), nn.Linear(time_dim, time_dim))
        width = time_dim if form.context_dim is None else form.context_dim
        self.condition_embed = build_condition_embed(condition, width)
        self.context = None
        if self.condition_embed is None and form.context_dim is not None:
            self.context = nn.Parameter(torch.randn(1, form.context_dim))
        self.conv_in = nn.Conv2d(in_channels, widths[0], 3, padding=1)
        self._build_stages(widths, num_res_blocks, attention_levels, form)
        self.norm = GroupNorm(form.groups, widths[0])
        self.conv_out = zero(
            nn.Conv2d(widths[0], self.out_channels, 3, padding=1))

    def _build_stages(self, widths: list[int], num_res_blocks: int,
                      attention_levels: tuple[int, ...],
                      form: UNetForm) -> None:
        time_dim = 4 * self.dim

        def block(in_dim: int, level: int) -> Chain:
            dim = widths[level]
            stage = Chain([ResidualBlock(in_dim, dim, time_dim, form)],
                          form.recompute)
            if level in attention_levels:
                stage.append(form.attention(dim))
            return stage

        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        width = widths[0]
        skips = [width]  # widths of the maps that the way up takes over
        for level, dim in enumerate(widths):
            if level:
                self.down.append(
                    Chain([form.resampling(width, time_dim, .5)],
                          form.recompute))
                skips.append(width)
            for _ in range(num_res_blocks):
                self.down.append(block(width, level))
                width = dim
                skips.append(width)
        self.middle = Chain([
            ResidualBlock(width, width, time_dim, form), form.attention(width),
            ResidualBlock(width, width, time_dim, form)], form.recompute)
        for level in reversed(range(len(widths))):
            for _ in range(num_res_blocks + 1):
                self.up.append(block(width + skips.pop(), level))
                width = widths[level]
            if level:
                self.up[-1].append(form.resampling(width, time_dim, 2.))

    def forward(self, x: Tensor, t: Tensor,
                embedding: Tensor | None = None) -> Tensor:
        """Predict (N, out_channels, h, w) what the parameterization asks for.

        The second half of the channels is the variance, if it is learned.

        Args:
            x (N, in_channels, h, w): Noisy data.
            t (N,): Timesteps, integers or fractions.
            embedding (N, E) or, as M context tokens, (N, M, E): Of the
                condition, if any.
        """
        time = self.time_embed(timestep_embedding(t, self.dim))  # (N, T)
        context = None
        if self.context_dim is not None:
            context = self._context(embedding, len(x))
        elif embedding is not None:
            time = time + embedding
        time = F.silu(time)  # once, and not in every block
        x = self.conv_in(x)
        skips = [x]
        for stage in self.down:
            x = stage(x, time, context)
            skips.append(x)
        x = self.middle(x, time, context)
        for stage in self.up:
            x = stage(torch.cat([x, skips.pop()], 1), time, context)
        return self.conv_out(F.silu(self.norm(x)))

    def _context(self, embedding: Tensor | None, batch_size: int) -> Tensor:
        """The tokens (N, M, E) that the spatial transformers attend to."""
        context = self.context if embedding is None else embedding
        if context.ndim == 2:
            context = context[:, None]  # a single token
        return context.expand(batch_size, -1, -1)


def _check(input_size: int, widths: list[int],
           attention_levels: tuple[int, ...], form: UNetForm) -> None:
    count, factor = len(widths), 2**(len(widths) - 1)
    if input_size <= 0 or input_size % factor:
        raise ValueError(
            f'{count} levels (entries of dim_mult) want an input_size that is '
            f'a multiple of {factor}, got {input_size}; change either of '
            'them.')
    wrong = set(attention_levels) - set(range(count))
    if wrong:
        raise ValueError(f'attention_levels must be in [0, {count}), one for '
                         f'each entry of dim_mult, got {sorted(wrong)}.')
    if any(width <= 0 or width % form.groups for width in widths):
        raise ValueError(
            'the width of every level (dim * dim_mult) must be a multiple of '
            f'the {form.groups} groups of its norms, got {widths}; change dim '
            'or groups.')
    for level in {*attention_levels, len(widths) - 1}:
        if widths[level] % form.head_dim:
            raise ValueError(
                'the width of a level with attention, and of the last one, '
                f'must be a multiple of head_dim={form.head_dim}, got '
                f'{widths[level]} at level {level}; change head_dim or dim.')
