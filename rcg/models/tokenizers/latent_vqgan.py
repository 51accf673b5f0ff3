"""The quantised first stage of latent diffusion (arXiv:2112.10752).

Letters: N batch, C channels of a latent, h w grid, K codes.
"""
from torch import Tensor, nn

from rcg.models.tokenizers.conv_autoencoder import (
    AutoencoderForm,
    ConvAutoencoder,
)
from rcg.models.tokenizers.quantizer import VectorQuantizer
from rcg.registry import TOKENIZERS


@TOKENIZERS.register_module()
class LatentVQGAN(ConvAutoencoder):
    """Images <-> latents (N, C, h, w), quantised only when they are decoded.

    A diffusion model learns the latents as they are, before quantisation.
    Decoding replaces those that it samples by their nearest codes, which
    removes small errors. The defaults are VQ-f8's.

    Args:
        dim, dim_mult, num_res_blocks: See :class:`ConvAutoencoder`; a level
            of the upsampler has one residual block more.
        z_dim: Channels that the downsampler returns; a 1x1 convolution turns
            them into latents.
        code_dim: C, the channels of the latents and the width of a code.
        num_codes: K.
        attention_levels: Levels (0 is full resolution) with attention after
            each block. The published one, 32x32 for images of 256x256, is
            level 3. The middle always has attention.
    """

    def __init__(self, dim: int = 128, dim_mult: tuple = (1, 2, 2, 4),
                 num_res_blocks: int = 2, z_dim: int = 4, code_dim: int = 4,
                 num_codes: int = 16384,
                 attention_levels: tuple = (3, )) -> None:
        super().__init__(dim, dim_mult, num_res_blocks, z_dim,
                         AutoencoderForm(attention=tuple(attention_levels)))
        self.num_codes = num_codes
        self.quantizer = VectorQuantizer(num_codes, code_dim)
        self.quant_conv = nn.Conv2d(z_dim, code_dim, 1)
        self.post_quant_conv = nn.Conv2d(code_dim, z_dim, 1)

    def latents(self, images: Tensor) -> Tensor:
        """Latents before quantisation; they are also the codes."""
        return self.quant_conv(self.compress(images))

    encode = latents

    def decode_latents(self, z: Tensor) -> Tensor:
        """Latents (N, C, h, w) -> images, without quantising."""
        return self.expand(self.post_quant_conv(z))

    def decode(self, codes: Tensor) -> Tensor:
        """Quantise latents, then decode them to images."""
        ids = self.quantizer.encode(codes)
        return self.decode_latents(self.quantizer.look_up(ids))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruction, ids (N, h w) and the loss of the quantiser."""
        z, ids, loss = self.quantizer(self.latents(images))
        return self.decode_latents(z), ids.flatten(1), loss
