"""The autoencoder of Stable Diffusion (arXiv:2112.10752, appendix G).

Letters: N batch, C channels of a latent, H W image, h w grid.
"""
from torch import Tensor, nn

from rcg.models.tokenizers.conv_autoencoder import (
    AutoencoderForm,
    ConvAutoencoder,
)
from rcg.registry import TOKENIZERS
from rcg.rng import SampleRng


@TOKENIZERS.register_module()
class AutoencoderKL(ConvAutoencoder):
    """Images <-> continuous latents (N, C, h, w) with a normal distribution.

    :meth:`encode` returns the mean and log variance of a normal distribution
    over latents. They depend on the image alone and can be cached.
    :meth:`training_codes` samples latents from the distribution, anew in each
    training step. The defaults are KL-f8's.

    Args:
        dim, dim_mult, num_res_blocks, norm_groups: See
            :class:`ConvAutoencoder`; a level of the upsampler has one residual
            block more.
        z_dim: C.
        scale: Constant by which latents are multiplied, so that they have
            about unit standard deviation; positive.
        attention: Whether the middle of either half has attention.

    Raises:
        ValueError: ``scale`` is not positive.
    """

    def __init__(self, dim: int = 128, dim_mult: tuple = (1, 2, 4, 4),
                 num_res_blocks: int = 2, z_dim: int = 4,
                 scale: float = .18215, attention: bool = True,
                 norm_groups: int = 32) -> None:
        if not scale > 0:
            raise ValueError(f'scale must be positive, got {scale}; it is 1 '
                             'over the standard deviation of the latents.')
        form = AutoencoderForm(attention=() if attention else None,
                               groups=norm_groups, moments=True)
        super().__init__(dim, dim_mult, num_res_blocks, z_dim, form)
        self.scale = scale
        self.quant_conv = nn.Conv2d(2 * z_dim, 2 * z_dim, 1)
        self.post_quant_conv = nn.Conv2d(z_dim, z_dim, 1)

    def encode(self, images: Tensor) -> Tensor:
        """Moments (N, 2 C, h, w) of the latents, not scaled.

        The first C channels are the means, the others the log variances.
        """
        return self.quant_conv(self.compress(images))

    def training_codes(self, moments: Tensor, rng: SampleRng) -> Tensor:
        """Sample latents (N, C, h, w), scaled, float32, from moments."""
        mean, log_var = split_moments(moments)
        noise = rng.normal(*mean.shape[1:])
        return (mean + (log_var / 2).exp() * noise) * self.scale

    def latents(self, images: Tensor) -> Tensor:
        """Means of the latents, scaled."""
        return split_moments(self.encode(images))[0] * self.scale

    def decode(self, codes: Tensor) -> Tensor:
        """Scaled latents -> images."""
        return self.expand(self.post_quant_conv(codes / self.scale))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Reconstructions from the means, and the moments."""
        moments = self.encode(images)
        mean, _ = split_moments(moments)
        return self.decode(mean * self.scale), moments


def split_moments(moments: Tensor) -> tuple[Tensor, Tensor]:
    """Means and log variances, (N, C, h, w) float32 each.

    The log variances are clamped to [-30, 20], as in the published code.
    """
    mean, log_var = moments.float().chunk(2, 1)
    return mean, log_var.clamp(-30, 20)
