"""The autoencoder of Stable Diffusion (arXiv:2112.10752, appendix G).

Letters: N batch, C channels of a latent, H W image, h w grid.
"""
from torch import Tensor, nn

from rcg.models.tokenizers.conv_autoencoder import ConvAutoencoder, Variant
from rcg.registry import TOKENIZERS
from rcg.rng import SampleRng


@TOKENIZERS.register_module()
class AutoencoderKL(ConvAutoencoder):
    """Images <-> continuous latents, each drawn from a normal distribution.

    An image has no one latent but a normal distribution of them. So
    :meth:`encode` returns the moments of it, which are a function of the
    image alone and can be kept, and :meth:`draw` makes latents of them, anew
    in every training step. The defaults are KL-f8.

    Args:
        dim: Width of a level with multiplier 1.
        dim_mult: Width multiplier of each level, full resolution first. Each
            level but the first halves the resolution: four make f = 8.
        num_res_blocks: Residual blocks of a level of the encoder; a level of
            the decoder has one more.
        z_dim: C.
        scale: What latents are multiplied by, so that they have about unit
            standard deviation. It is nothing that is learned.
        attention: Whether the middle of either half has attention.
        norm_groups: Groups of the GroupNorms; see
            :class:`~rcg.models.tokenizers.vqgan.VQGAN`.

    Raises:
        ValueError: A width does not split into the groups of the norms, or
            changes where there is no block to change it; the scale is not
            positive.
    """

    def __init__(self, dim: int = 128, dim_mult: tuple = (1, 2, 4, 4),
                 num_res_blocks: int = 2, z_dim: int = 4,
                 scale: float = .18215, attention: bool = True,
                 norm_groups: int = 32) -> None:
        if not scale > 0:
            raise ValueError(f'scale must be positive, got {scale}; it is 1 '
                             'over the standard deviation of the latents.')
        super().__init__(
            [dim * mult for mult in dim_mult], num_res_blocks, z_dim,
            Variant(attention=() if attention else None, groups=norm_groups,
                    moments=True))
        self.scale = scale
        self.quant_conv = nn.Conv2d(2 * z_dim, 2 * z_dim, 1)
        self.post_quant_conv = nn.Conv2d(z_dim, z_dim, 1)

    def encode(self, images: Tensor) -> Tensor:
        """Moments of the latents of images (N, 3, H, W).

        Args:
            images (N, 3, H, W): In [-1, 1].

        Returns:
            (N, 2 C, h, w): The means, then the logarithms of the variances,
            neither scaled.

        Raises:
            ValueError: H or W is not a multiple of the downsampling.
        """
        for size in images.shape[2:]:
            self.grid_size(size)
        return self.quant_conv(self.encoder(images))

    def draw(self, moments: Tensor, rng: SampleRng) -> Tensor:
        """Draw latents for a generator to learn.

        Args:
            moments (N, 2 C, h, w): As :meth:`encode` returns them.
            rng: One stream an image.

        Returns:
            (N, C, h, w): Scaled, float32.
        """
        mean, log_var = split_moments(moments)
        noise = rng.normal(*mean.shape[1:])
        return (mean + (log_var / 2).exp() * noise) * self.scale

    def latents(self, images: Tensor) -> Tensor:
        """Means (N, C, h, w) of the latents of images, scaled."""
        return split_moments(self.encode(images))[0] * self.scale

    def decode(self, codes: Tensor) -> Tensor:
        """Images of scaled latents.

        Args:
            codes (N, C, h, w): Latents.

        Returns:
            (N, 3, H, W): About [-1, 1], not clamped.
        """
        return self.decoder(self.post_quant_conv(codes / self.scale))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Reconstruct images (N, 3, H, W) in [-1, 1] from the means.

        Returns:
            The reconstruction (N, 3, H, W), the moments (N, 2 C, h, w).
        """
        moments = self.encode(images)
        mean, _ = split_moments(moments)
        return self.decode(mean * self.scale), moments


def split_moments(moments: Tensor) -> tuple[Tensor, Tensor]:
    """Means and logarithms of the variances, (N, C, h, w) float32 each.

    The latter are clamped to [-30, 20], as published.
    """
    mean, log_var = moments.float().chunk(2, 1)
    return mean, log_var.clamp(-30, 20)
