"""The convolutional autoencoder that all tokenizers are built on.

That of VQGAN (arXiv:2012.09841), in the two forms that were published: with
attention for latent diffusion (arXiv:2112.10752), without it by MaskGIT.
Letters: N batch, C channels, H W image, h w grid, z latents.
"""
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from rcg.rng import SampleRng


@dataclass(frozen=True)
class Variant:
    """What tells published networks apart; by default, latent diffusion.

    Attributes:
        attention: Levels (0 is full resolution) whose blocks are followed by
            attention. The middle always has it, unless this is None.
        bias: Whether convolutions in blocks and the encoder's first have one.
        shortcut_of_input: Whether the shortcut of a block that changes the
            width is applied to its input, or to its result.
        strided: Whether the encoder halves by a convolution or averages 2x2.
        kernel_out: Size of the encoder's last convolution.
        extra_blocks: Blocks that a level of the decoder has more.
        groups: Groups of the norms.
        moments: Whether the encoder gives mean and log variance of each
            channel of the latents, or the latents.
    """
    attention: tuple[int, ...] | None = ()
    bias: bool = True
    shortcut_of_input: bool = True
    strided: bool = True
    kernel_out: int = 3
    extra_blocks: int = 1
    groups: int = 32
    moments: bool = False

    def norm(self, dim: int) -> nn.GroupNorm:
        return nn.GroupNorm(self.groups, dim, eps=1e-6)

    def blocks(self, in_dim: int, out_dim: int, num_blocks: int,
               level: int) -> nn.Sequential:
        dims = [in_dim] + [out_dim] * num_blocks
        attends = self.attention is not None and level in self.attention
        return nn.Sequential(*[ResidualBlock(a, b, self, attends)
                               for a, b in pairwise(dims)])

    def middle(self, dim: int) -> nn.Sequential:
        attends = self.attention is not None
        return nn.Sequential(ResidualBlock(dim, dim, self, attends),
                             ResidualBlock(dim, dim, self, False))


class SpatialAttention(nn.Module):
    """Self-attention of one head over the places of a feature map."""

    def __init__(self, dim: int, variant: Variant) -> None:
        super().__init__()
        self.norm = variant.norm(dim)
        self.q, self.k, self.v, self.proj = (
            nn.Conv2d(dim, dim, 1) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) to the same, with a skip path."""
        normed = self.norm(x)
        q, k, v = (layer(normed).flatten(2).transpose(1, 2)[:, None]
                   for layer in (self.q, self.k, self.v))  # (N, 1, h w, C)
        mixed = F.scaled_dot_product_attention(q, k, v)
        return x + self.proj(mixed[:, 0].transpose(1, 2).view_as(x))


class ResidualBlock(nn.Module):
    """Norm, swish and 3x3 convolution, twice, with a skip path.

    Where the width changes, MaskGIT's network applies the shortcut to the
    block's result: there is no skip path then, and its weights want it so.
    """

    def __init__(self, in_dim: int, out_dim: int, variant: Variant,
                 attends: bool) -> None:
        super().__init__()
        bias, self.shortcut_of_input = variant.bias, variant.shortcut_of_input
        self.norm1 = variant.norm(in_dim)
        self.conv1 = nn.Conv2d(in_dim, out_dim, 3, padding=1, bias=bias)
        self.norm2 = variant.norm(out_dim)
        self.conv2 = nn.Conv2d(out_dim, out_dim, 3, padding=1, bias=bias)
        self.shortcut = None
        if in_dim != out_dim:
            dim = in_dim if self.shortcut_of_input else out_dim
            self.shortcut = nn.Conv2d(dim, out_dim, 1, bias=bias)
        self.attention = None
        if attends:
            self.attention = SpatialAttention(out_dim, variant)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_dim, h, w) to (N, out_dim, h, w)."""
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        if self.shortcut is not None:
            x = self.shortcut(x if self.shortcut_of_input else h)
        x = h + x
        return x if self.attention is None else self.attention(x)


class Encoder(nn.Module):
    """Images to latents, through levels of widths ``dims``, each at half the
    resolution of the one before."""

    def __init__(self, dims: list[int], num_res_blocks: int, z_dim: int,
                 variant: Variant) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(3, dims[0], 3, padding=1, bias=variant.bias)
        self.levels = nn.ModuleList(
            variant.blocks(a, b, num_res_blocks, level)
            for level, (a, b) in enumerate(pairwise(dims[:1] + dims)))
        # downsamplers[i] leads from level i to level i + 1.
        self.downsamplers = nn.ModuleList(
            nn.Conv2d(dim, dim, 3, stride=2)
            for dim in dims[:-1] if variant.strided)
        self.middle = variant.middle(dims[-1])
        self.norm_out = variant.norm(dims[-1])
        self.conv_out = nn.Conv2d(dims[-1], z_dim, variant.kernel_out,
                                  padding=variant.kernel_out // 2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) to (N, z_dim, h, w)."""
        x = self.conv_in(x)
        for i, level in enumerate(self.levels):
            x = level(self._halved(x, i - 1) if i else x)
        return self.conv_out(F.silu(self.norm_out(self.middle(x))))

    def _halved(self, x: Tensor, i: int) -> Tensor:
        if not self.downsamplers:
            return F.avg_pool2d(x, 2)
        # Padded at the right and the bottom only, as published.
        return self.downsamplers[i](F.pad(x, (0, 1, 0, 1)))


class Decoder(nn.Module):
    """Latents to images, through the encoder's levels the other way; each has
    ``num_res_blocks`` and the variant's extra ones."""

    def __init__(self, dims: list[int], num_res_blocks: int, z_dim: int,
                 variant: Variant) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(z_dim, dims[-1], 3, padding=1)
        self.middle = variant.middle(dims[-1])
        num_blocks = num_res_blocks + variant.extra_blocks
        self.levels = nn.ModuleList(
            variant.blocks(b, a, num_blocks, level)
            for level, (a, b) in enumerate(pairwise(dims + dims[-1:])))
        # upsamplers[i] leads from level i + 1 to level i.
        self.upsamplers = nn.ModuleList(
            nn.Conv2d(dim, dim, 3, padding=1) for dim in dims[1:])
        self.norm_out = variant.norm(dims[0])
        self.conv_out = nn.Conv2d(dims[0], 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        """(N, z_dim, h, w) to (N, 3, H, W)."""
        x = self.middle(self.conv_in(z))
        for i in reversed(range(len(self.levels))):
            x = self.levels[i](x)
            if i:
                x = F.interpolate(x, scale_factor=2, mode='nearest')
                x = self.upsamplers[i - 1](x)
        return self.conv_out(F.silu(self.norm_out(x)))


class ConvAutoencoder(nn.Module):
    """Base of the tokenizers: images (N, 3, H, W) in [-1, 1] <-> codes.

    A tokenizer has ``encode`` (images -> codes to keep), ``draw`` (those ->
    codes that a generator learns), ``decode`` (codes -> images, about [-1, 1],
    not clamped), ``latents`` (images -> continuous codes) and ``forward``,
    which reconstructs. What takes images raises a ValueError if H or W is not
    a multiple of the downsampling.

    Args:
        dim: Width of a level with multiplier 1.
        dim_mult: Width multiplier of each level, full resolution first. Each
            level but the first halves the resolution: four make f = 8.
        num_res_blocks: Residual blocks of a level.
        z_dim: Channels of the latents.
        variant: Which of the published forms. Of its GroupNorms' groups,
            every width is a multiple; in a narrow network fewer than the
            published 32 reconstruct better: with one channel a group, the
            norms take the contrast of every image from it.

    Raises:
        ValueError: A width does not split into the groups of the norms, or
            changes where there is no block to change it; there is no such
            level for attention.
    """

    def __init__(self, dim: int, dim_mult: tuple, num_res_blocks: int,
                 z_dim: int, variant: Variant) -> None:
        super().__init__()
        dims = [dim * mult for mult in dim_mult]
        _check(dims, num_res_blocks, variant)
        self.downsampling = 2**(len(dims) - 1)
        self.encoder = Encoder(dims, num_res_blocks,
                               (1 + variant.moments) * z_dim, variant)
        self.decoder = Decoder(dims, num_res_blocks, z_dim, variant)

    def run_encoder(self, images: Tensor) -> Tensor:
        for size in images.shape[2:]:
            self.grid_size(size)
        return self.encoder(images)

    def draw(self, codes: Tensor, rng: SampleRng) -> Tensor:
        """The same codes, where encoding is not random."""
        return codes

    def grid_size(self, image_size: int) -> int:
        """Places along a side; a ValueError if the size does not divide."""
        if image_size <= 0 or image_size % self.downsampling:
            raise ValueError(
                'image sizes must be a multiple of the downsampling factor '
                f'{self.downsampling}, got {image_size}; resize the images or '
                'take another number of levels (dim_mult).')
        return image_size // self.downsampling


def _check(dims: list[int], num_res_blocks: int, variant: Variant) -> None:
    if not dims or any(d <= 0 or d % variant.groups for d in dims):
        raise ValueError(
            'the width of every level (dim * dim_mult) must be a multiple of '
            f'the {variant.groups} groups of its GroupNorms, got {dims}. Take '
            f'dim={variant.groups} or a multiple, or fewer groups where they '
            'can be chosen (published weights want 32).')
    if num_res_blocks == 0 and len(set(dims)) > 1:
        raise ValueError('without residual blocks all levels must have the '
                         f'same width, got {dims}; take num_res_blocks=1.')
    wrong = set(variant.attention or ()) - set(range(len(dims)))
    if wrong:
        raise ValueError(f'attention_levels must be in [0, {len(dims)}), one '
                         f'for each entry of dim_mult, got {sorted(wrong)}.')
