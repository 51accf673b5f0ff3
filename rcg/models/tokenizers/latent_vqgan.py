"""The quantised first stage of latent diffusion (arXiv:2112.10752).

Letters: N batch, C channels of a latent, H W image, h w grid, K codes.
"""
from torch import Tensor, nn

from rcg.models.tokenizers.conv_autoencoder import ConvAutoencoder, Variant
from rcg.models.tokenizers.quantizer import VectorQuantizer
from rcg.registry import TOKENIZERS


@TOKENIZERS.register_module()
class LatentVQGAN(ConvAutoencoder):
    """Images <-> continuous latents, quantised only when they are decoded.

    A diffusion model learns latents that no code has rounded; the codebook
    then takes small errors from what it draws. The defaults are VQ-f8.

    Args:
        dim: Width of a level with multiplier 1.
        dim_mult: Width multiplier of each level, full resolution first. Each
            level but the first halves the resolution: four make f = 8.
        num_res_blocks: Residual blocks of a level of the encoder; a level of
            the decoder has one more.
        z_dim: Channels between the encoder and the 1x1 convolution to codes.
        code_dim: C, the channels of the latents and the width of a code.
        num_codes: K.
        attention_levels: Levels (0 is full resolution) with attention after
            each block. The published 32x32 of 256x256 is level 3. The middle
            always has one.

    Raises:
        ValueError: A width is not a multiple of 32, the groups of the norms,
            or changes where there is no block to change it; there is no such
            level for attention.
    """

    def __init__(self, dim: int = 128, dim_mult: tuple = (1, 2, 2, 4),
                 num_res_blocks: int = 2, z_dim: int = 4, code_dim: int = 4,
                 num_codes: int = 16384,
                 attention_levels: tuple = (3, )) -> None:
        super().__init__([dim * mult for mult in dim_mult], num_res_blocks,
                         z_dim, Variant(attention=tuple(attention_levels)))
        self.num_codes = num_codes
        self.quantizer = VectorQuantizer(num_codes, code_dim)
        self.quant_conv = nn.Conv2d(z_dim, code_dim, 1)
        self.post_quant_conv = nn.Conv2d(code_dim, z_dim, 1)

    def latents(self, images: Tensor) -> Tensor:
        """Unquantised latents (N, C, h, w) of images (N, 3, H, W).

        Args:
            images (N, 3, H, W): In [-1, 1].

        Raises:
            ValueError: H or W is not a multiple of the downsampling.
        """
        for size in images.shape[2:]:
            self.grid_size(size)
        return self.quant_conv(self.encoder(images))

    def encode(self, images: Tensor) -> Tensor:
        """Codes for a generator: :meth:`latents`, as they are."""
        return self.latents(images)

    def decode_latents(self, z: Tensor) -> Tensor:
        """Images (N, 3, H, W) of latents (N, C, h, w), not quantised here."""
        return self.decoder(self.post_quant_conv(z))

    def decode(self, codes: Tensor) -> Tensor:
        """Images of latents, which are quantised first.

        Args:
            codes (N, C, h, w): Latents.

        Returns:
            (N, 3, H, W): About [-1, 1], not clamped.
        """
        ids = self.quantizer.encode(codes)
        return self.decode_latents(self.quantizer.look_up(ids))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruct images (N, 3, H, W) in [-1, 1].

        Returns:
            The reconstruction (N, 3, H, W), the ids (N, h w) and the loss of
            the quantiser.
        """
        z, ids, loss = self.quantizer(self.latents(images))
        return self.decode_latents(z), ids.flatten(1), loss
