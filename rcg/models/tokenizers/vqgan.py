"""The convolutional tokenizer of MaskGIT (arXiv:2202.04200), used by MAGE.

Letters: N batch, h w grid, L = h w tokens, K codes.
"""
import math

from torch import Tensor

from rcg.models.tokenizers.conv_autoencoder import (
    AutoencoderForm,
    ConvAutoencoder,
)
from rcg.models.tokenizers.quantizer import VectorQuantizer
from rcg.registry import TOKENIZERS


@TOKENIZERS.register_module()
class VQGAN(ConvAutoencoder):
    """Images <-> token ids (N, L). The defaults are MAGE's tokenizer.

    The network works on images in [0, 1], as published. This class converts
    from and to [-1, 1], so that nobody else has to.

    Args:
        dim, dim_mult, num_res_blocks, norm_groups: See
            :class:`ConvAutoencoder`.
        z_dim: Channels of the latents and width of a code.
        num_codes: K.
        beta: See :class:`~rcg.models.tokenizers.quantizer.VectorQuantizer`.
    """

    def __init__(self, dim: int = 128, dim_mult: tuple = (1, 1, 2, 2, 4),
                 num_res_blocks: int = 2, z_dim: int = 256,
                 num_codes: int = 1024, beta: float = .25,
                 norm_groups: int = 32) -> None:
        form = AutoencoderForm(
            attention=None, bias=False, shortcut_of_input=False,
            strided=False, kernel_out=1, extra_blocks=0, groups=norm_groups)
        super().__init__(dim, dim_mult, num_res_blocks, z_dim, form)
        self.num_codes = num_codes
        self.quantizer = VectorQuantizer(num_codes, z_dim, beta)

    def latents(self, images: Tensor) -> Tensor:
        """Latents (N, z_dim, h, w) before quantisation."""
        return self.compress((images + 1) / 2)

    def encode(self, images: Tensor) -> Tensor:
        """Token ids (N, L), int64 in [0, K), row by row."""
        return self.quantizer.encode(self.latents(images)).flatten(1)

    def decode_latents(self, z: Tensor) -> Tensor:
        """Latents (N, z_dim, h, w) -> images, without quantising."""
        return self.expand(z) * 2 - 1

    def decode(self, codes: Tensor) -> Tensor:
        """Token ids -> square images.

        Raises:
            ValueError: L is not a square number.
        """
        size = math.isqrt(codes.shape[1])
        if size**2 != codes.shape[1]:
            raise ValueError('decode needs the tokens of a square image, got '
                             f'{codes.shape[1]} per image; for other shapes '
                             'use quantizer.look_up and decode_latents.')
        return self.decode_latents(
            self.quantizer.look_up(codes.view(-1, size, size)))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstruction, ids (N, L) and the loss of the quantiser."""
        z, ids, loss = self.quantizer(self.latents(images))
        return self.decode_latents(z), ids.flatten(1), loss
