"""The convolutional autoencoder that all tokenizers are built on.

It is that of VQGAN (arXiv:2012.09841), which was published in two forms:
latent diffusion's (arXiv:2112.10752) has attention, MaskGIT's has none.
Letters: N batch, C channels, H W image, h w grid, z latents.
"""
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from rcg.models.layers.attend import attend
from rcg.models.layers.group_norm import GroupNorm
from rcg.models.tokenizers.decoding import Decoding, Doubling
from rcg.rng import SampleRng


@dataclass(frozen=True)
class AutoencoderForm:
    """Options in which the published autoencoders differ.

    The defaults are latent diffusion's.

    Attributes:
        attention: Levels (0 is full resolution) whose blocks are followed by
            attention. The middle always has it, unless this is None.
        bias: Whether the convolutions of the blocks and the first one of the
            downsampler have a bias.
        shortcut_of_input: Whether the shortcut convolution of a block that
            changes the width is applied to the block's input (True) or to
            its result.
        strided: Whether the downsampler halves the resolution with a strided
            convolution (True) or by averaging 2x2 places.
        kernel_out: Kernel size of the downsampler's last convolution.
        extra_blocks: How many blocks more a level of the upsampler has.
        groups: Groups of the group norms.
        moments: Whether the downsampler returns the mean and log variance of
            each latent channel (True) or the latents themselves.
    """
    attention: tuple[int, ...] | None = ()
    bias: bool = True
    shortcut_of_input: bool = True
    strided: bool = True
    kernel_out: int = 3
    extra_blocks: int = 1
    groups: int = 32
    moments: bool = False

    def norm(self, dim: int) -> GroupNorm:
        return GroupNorm(self.groups, dim, eps=1e-6)

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
    """Single-head self-attention over the places of a feature map."""

    def __init__(self, dim: int, form: AutoencoderForm) -> None:
        super().__init__()
        self.norm = form.norm(dim)
        self.q, self.k, self.v, self.proj = (
            nn.Conv2d(dim, dim, 1) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) to the same, with a skip path."""
        normed = self.norm(x)
        q, k, v = (layer(normed).flatten(2).transpose(1, 2)[:, None]
                   for layer in (self.q, self.k, self.v))  # (N, 1, h w, C)
        mixed = attend(q, k, v)
        return x + self.proj(mixed[:, 0].transpose(1, 2).view_as(x))


class ResidualBlock(nn.Module):
    """Norm, swish and 3x3 convolution, twice, with a skip path.

    Where the width changes, MaskGIT's network applies the shortcut
    convolution to the block's result instead of its input. Such a block has
    no skip path; the published weights were trained so.
    """

    def __init__(self, in_dim: int, out_dim: int, form: AutoencoderForm,
                 attends: bool) -> None:
        super().__init__()
        bias, self.shortcut_of_input = form.bias, form.shortcut_of_input
        self.norm1 = form.norm(in_dim)
        self.conv1 = nn.Conv2d(in_dim, out_dim, 3, padding=1, bias=bias)
        self.norm2 = form.norm(out_dim)
        self.conv2 = nn.Conv2d(out_dim, out_dim, 3, padding=1, bias=bias)
        self.shortcut = None
        if in_dim != out_dim:
            dim = in_dim if self.shortcut_of_input else out_dim
            self.shortcut = nn.Conv2d(dim, out_dim, 1, bias=bias)
        self.attention = None
        if attends:
            self.attention = SpatialAttention(out_dim, form)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_dim, h, w) to (N, out_dim, h, w)."""
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        if self.shortcut is not None:
            x = self.shortcut(x if self.shortcut_of_input else h)
        x = h + x
        return x if self.attention is None else self.attention(x)


class Downsampler(nn.Module):
    """Images to latents.

    Level i has the width ``dims[i]``; each has half the resolution of the one
    before.
    """

    def __init__(self, dims: list[int], num_res_blocks: int, z_dim: int,
                 form: AutoencoderForm) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(3, dims[0], 3, padding=1, bias=form.bias)
        self.levels = nn.ModuleList(
            form.blocks(a, b, num_res_blocks, level)
            for level, (a, b) in enumerate(pairwise(dims[:1] + dims)))
        # downsamplers[i] leads from level i to level i + 1.
        self.downsamplers = nn.ModuleList(
            nn.Conv2d(dim, dim, 3, stride=2)
            for dim in dims[:-1] if form.strided)
        self.middle = form.middle(dims[-1])
        self.norm_out = form.norm(dims[-1])
        self.conv_out = nn.Conv2d(dims[-1], z_dim, form.kernel_out,
                                  padding=form.kernel_out // 2)

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


class Upsampler(nn.Module):
    """Latents to images, through the downsampler's levels in reverse order.

    A level has ``num_res_blocks`` blocks and the extra ones of ``form``.
    """

    def __init__(self, dims: list[int], num_res_blocks: int, z_dim: int,
                 form: AutoencoderForm) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(z_dim, dims[-1], 3, padding=1)
        self.middle = form.middle(dims[-1])
        num_blocks = num_res_blocks + form.extra_blocks
        self.levels = nn.ModuleList(
            form.blocks(b, a, num_blocks, level)
            for level, (a, b) in enumerate(pairwise(dims + dims[-1:])))
        # upsamplers[i] leads from level i + 1 to level i.
        self.upsamplers = nn.ModuleList(Doubling(dim) for dim in dims[1:])
        self.norm_out = form.norm(dims[0])
        self.conv_out = nn.Conv2d(dims[0], 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        """(N, z_dim, h, w) to (N, 3, H, W)."""
        x = self.middle(self.conv_in(z))
        for i in reversed(range(len(self.levels))):
            x = self.levels[i](x)
            if i:
                x = self.upsamplers[i - 1](x)
        return self.conv_out(F.silu(self.norm_out(x)))


class ConvAutoencoder(nn.Module):
    """Base of the tokenizers: images (N, 3, H, W) in [-1, 1] <-> codes.

    The methods of a tokenizer:

    * ``encode``: images -> codes, a function of the images alone;
    * ``training_codes``: these -> the codes that a generator learns;
    * ``decode``: codes -> images, about [-1, 1], not clamped;
    * ``latents``: images -> continuous codes;
    * ``forward``: images -> their reconstruction, and more.

    Those that take images raise a ValueError if H or W is not a multiple of
    the downsampling factor.

    Args:
        dim: Width of a level with multiplier 1.
        dim_mult: Width multiplier of each level, full resolution first. Each
            level but the first halves the resolution: four make f = 8.
        num_res_blocks: Residual blocks of a level.
        z_dim: Channels of the latents.
        form: Options of the published autoencoders. Every width must be a
            multiple of ``form.groups``. Narrow networks reconstruct better
            with fewer than the published 32 groups: with one channel a
            group, the norms remove the contrast of each image.

    Attributes:
        decoding: How the upsampler is called; see :meth:`decode_in`.

    Raises:
        ValueError: A width is not a multiple of the groups; widths differ
            although there are no residual blocks to change them; attention
            is asked for at a level that does not exist.
    """

    compiled_children = ('down', 'up')

    def __init__(self, dim: int, dim_mult: tuple, num_res_blocks: int,
                 z_dim: int, form: AutoencoderForm) -> None:
        super().__init__()
        dims = [dim * mult for mult in dim_mult]
        _check(dims, num_res_blocks, form)
        self.downsampling = 2**(len(dims) - 1)
        self.down = Downsampler(dims, num_res_blocks,
                                2 * z_dim if form.moments else z_dim, form)
        self.up = Upsampler(dims, num_res_blocks, z_dim, form)
        self.decoding = Decoding()

    @property
    def last_layer(self) -> nn.Parameter:
        """Weights that make the pixels, for :class:`AdversarialLoss`."""
        return self.up.conv_out.weight

    def compress(self, images: Tensor) -> Tensor:
        """What the downsampler makes of images; checks their size."""
        for size in images.shape[2:]:
            self.grid_size(size)
        return self.down(images)

    def expand(self, z: Tensor) -> Tensor:
        """What the upsampler makes of latents, as ``decoding`` says."""
        return self.decoding(self.up, z)

    def decode_in(self, dtype: str, channels_last: bool = False) -> None:
        """Decode in less precision from now on; see :class:`Decoding`."""
        self.decoding = Decoding(dtype, channels_last)

    def training_codes(self, codes: Tensor, rng: SampleRng) -> Tensor:
        """What a generator learns: the same codes unless encoding is random.

        Args:
            codes: Those of ``encode``.
            rng: One stream an image.
        """
        return codes

    def grid_size(self, image_size: int) -> int:
        """Places along a side; a ValueError if the size does not divide."""
        if image_size <= 0 or image_size % self.downsampling:
            raise ValueError(
                'image sizes must be a multiple of the downsampling factor '
                f'{self.downsampling}, got {image_size}; resize the images or '
                'take another number of levels (dim_mult).')
        return image_size // self.downsampling


def _check(dims: list[int], num_res_blocks: int,
           form: AutoencoderForm) -> None:
    if not dims or any(d <= 0 or d % form.groups for d in dims):
        raise ValueError(
            'the width of every level (dim * dim_mult) must be a multiple of '
            f'the {form.groups} groups of its GroupNorms, got {dims}. Take '
            f'dim={form.groups} or a multiple, or fewer groups where they '
            'can be chosen (published weights want 32).')
    if num_res_blocks == 0 and len(set(dims)) > 1:
        raise ValueError('without residual blocks all levels must have the '
                         f'same width, got {dims}; take num_res_blocks=1.')
    wrong = set(form.attention or ()) - set(range(len(dims)))
    if wrong:
        raise ValueError(f'attention_levels must be in [0, {len(dims)}), one '
                         f'for each entry of dim_mult, got {sorted(wrong)}.')
