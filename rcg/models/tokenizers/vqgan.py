"""The convolutional tokenizer of MaskGIT (arXiv:2202.04200), used by MAGE.

A VQGAN (arXiv:2012.09841) without attention and quantisation convolutions.
Letters: N batch, C channels, H W image, h w grid, L = h w tokens, K codes.
"""
import math

from torch import Tensor, nn
from torch.nn import functional as F

from rcg.models.tokenizers.quantizer import VectorQuantizer
from rcg.registry import TOKENIZERS


def _norm(dim: int, groups: int) -> nn.GroupNorm:
    return nn.GroupNorm(groups, dim, eps=1e-6)


class ResidualBlock(nn.Module):
    """Norm, swish and 3x3 convolution, twice, with a skip path.

    Where the width changes, the published network applies the shortcut to
    the block's result and not to its input, which then has no skip path.
    Weights are only compatible if that is repeated.
    """

    def __init__(self, in_dim: int, out_dim: int, groups: int) -> None:
        super().__init__()
        self.norm1 = _norm(in_dim, groups)
        self.conv1 = nn.Conv2d(in_dim, out_dim, 3, padding=1, bias=False)
        self.norm2 = _norm(out_dim, groups)
        self.conv2 = nn.Conv2d(out_dim, out_dim, 3, padding=1, bias=False)
        self.shortcut = None
        if in_dim != out_dim:
            self.shortcut = nn.Conv2d(out_dim, out_dim, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_dim, h, w) to (N, out_dim, h, w)."""
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (x if self.shortcut is None else self.shortcut(h))


def _blocks(in_dim: int, out_dim: int, num_blocks: int,
            groups: int) -> nn.Sequential:
    dims = [in_dim] + [out_dim] * num_blocks
    return nn.Sequential(*[
        ResidualBlock(a, b, groups)
        for a, b in zip(dims[:-1], dims[1:], strict=True)
    ])


class Encoder(nn.Module):
    """Images to latents; halves the resolution between levels.

    Args:
        dims: Width of each level, full resolution first.
        num_res_blocks: Residual blocks of a level.
        z_dim: Channels of the latents.
        groups: Groups of the norms.
    """

    def __init__(self, dims: list[int], num_res_blocks: int, z_dim: int,
                 groups: int) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(3, dims[0], 3, padding=1, bias=False)
        self.levels = nn.ModuleList([
            _blocks(a, b, num_res_blocks, groups)
            for a, b in zip(dims[:1] + dims[:-1], dims, strict=True)
        ])
        self.middle = _blocks(dims[-1], dims[-1], 2, groups)
        self.norm_out = _norm(dims[-1], groups)
        self.conv_out = nn.Conv2d(dims[-1], z_dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) to (N, z_dim, h, w)."""
        x = self.conv_in(x)
        for i, level in enumerate(self.levels):
            x = level(F.avg_pool2d(x, 2) if i else x)
        return self.conv_out(F.silu(self.norm_out(self.middle(x))))


class Decoder(nn.Module):
    """Latents to images; doubles the resolution between levels.

    Args:
        dims: Width of each level, full resolution first.
        num_res_blocks: Residual blocks of a level.
        z_dim: Channels of the latents.
        groups: Groups of the norms.
    """

    def __init__(self, dims: list[int], num_res_blocks: int, z_dim: int,
                 groups: int) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(z_dim, dims[-1], 3, padding=1)
        self.middle = _blocks(dims[-1], dims[-1], 2, groups)
        self.levels = nn.ModuleList([
            _blocks(a, b, num_res_blocks, groups)
            for a, b in zip(dims[1:] + dims[-1:], dims, strict=True)
        ])
        # upsamplers[i] leads from level i + 1 to level i.
        self.upsamplers = nn.ModuleList(
            [nn.Conv2d(dim, dim, 3, padding=1) for dim in dims[1:]])
        self.norm_out = _norm(dims[0], groups)
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


def _check_widths(dims: list[int], num_res_blocks: int, groups: int) -> None:
    if not dims or any(d <= 0 or d % groups for d in dims):
        raise ValueError(
            'the width of every level (dim * dim_mult) must be a multiple of '
            f'the {groups} groups of its GroupNorms, got {dims}. Take '
            f'dim={groups} or a multiple, or fewer norm_groups (published '
            'weights want 32).')
    if num_res_blocks == 0 and len(set(dims)) > 1:
        raise ValueError('without residual blocks all levels must have the '
                         f'same width, got {dims}; take num_res_blocks=1.')


@TOKENIZERS.register_module()
class VQGAN(nn.Module):
    """Images <-> token ids. The defaults are the tokenizer of MAGE.

    Images are in [-1, 1] outside; the network works in [0, 1], as published,
    and this class alone converts.

    Args:
        dim: Width of a level with multiplier 1.
        dim_mult: Width multiplier of each level, full resolution first. Each
            level but the first halves the resolution: five make f = 16.
        num_res_blocks: Residual blocks of a level.
        z_dim: Channels of the latents and width of a code.
        num_codes: K.
        beta: See :class:`~rcg.models.tokenizers.quantizer.VectorQuantizer`.
        norm_groups: Groups of the GroupNorms; every width is a multiple. In
            a narrow network fewer than the published 32 reconstruct better:
            with one channel a group, the norms take the contrast of every
            image from it.

    Raises:
        ValueError: A width does not split into the groups of the norms, or
            changes where there is no block to change it.
    """

    def __init__(self, dim: int = 128, dim_mult: tuple = (1, 1, 2, 2, 4),
                 num_res_blocks: int = 2, z_dim: int = 256,
                 num_codes: int = 1024, beta: float = .25,
                 norm_groups: int = 32) -> None:
        super().__init__()
        dims = [dim * mult for mult in dim_mult]
        _check_widths(dims, num_res_blocks, norm_groups)
        self.num_codes = num_codes
        self.downsampling = 2**(len(dims) - 1)
        self.encoder = Encoder(dims, num_res_blocks, z_dim, norm_groups)
        self.decoder = Decoder(dims, num_res_blocks, z_dim, norm_groups)
        self.quantizer = VectorQuantizer(num_codes, z_dim, beta)

    def grid_size(self, image_size: int) -> int:
        """Tokens along a side of an image of ``image_size`` pixels.

        Raises:
            ValueError: The size is not a multiple of the downsampling.
        """
        if image_size <= 0 or image_size % self.downsampling:
            raise ValueError(
                'image sizes must be a multiple of the downsampling factor '
                f'{self.downsampling}, got {image_size}; resize the images or '
                'take another number of levels (dim_mult).')
        return image_size // self.downsampling

    def latents(self, images: Tensor) -> Tensor:
        """Unquantised latents (N, z_dim, h, w) of images (N, 3, H, W).

        Args:
            images (N, 3, H, W): In [-1, 1].

        Raises:
            ValueError: H or W is not a multiple of the downsampling.
        """
        for size in images.shape[2:]:
            self.grid_size(size)
        return self.encoder((images + 1) / 2)

    def encode(self, images: Tensor) -> Tensor:
        """Token ids (N, L), int64 in [0, K), of images (N, 3, H, W)."""
        return self.quantizer.encode(self.latents(images)).flatten(1)

    def decode_latents(self, z: Tensor) -> Tensor:
        """Images of latents, as a rule quantised ones.

        Args:
            z (N, z_dim, h, w): Latents.

        Returns:
            (N, 3, H, W): About [-1, 1], not clamped.
        """
        return self.decoder(z) * 2 - 1

    def decode(self, codes: Tensor) -> Tensor:
        """Images of token ids.

        Args:
            codes (N, L): Ids of a square grid, row by row.

        Returns:
            (N, 3, H, W): About [-1, 1], not clamped.

        Raises:
            ValueError: L is no square number.
        """
        size = math.isqrt(codes.shape[1])
        if size**2 != codes.shape[1]:
            raise ValueError('decode wants the tokens of a square image, got '
                             f'{codes.shape[1]} a row; for other shapes use '
                             'quantizer.look_up and decode_latents.')
        z = self.quantizer.look_up(codes.view(-1, size, size))
        return self.decode_latents(z)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruct images (N, 3, H, W) in [-1, 1].

        Returns:
            The reconstruction (N, 3, H, W), the ids (N, L) and the loss of
            the quantiser.
        """
        z, ids, loss = self.quantizer(self.latents(images))
        return self.decode_latents(z), ids.flatten(1), loss
