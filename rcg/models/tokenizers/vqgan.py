"""The convolutional tokenizer of MaskGIT (arXiv:2202.04200), used by MAGE.

Letters: N batch, H W image, h w grid, L = h w tokens, K codes.
"""
import math

from torch import Tensor

from rcg.models.tokenizers.conv_autoencoder import ConvAutoencoder, Variant
from rcg.models.tokenizers.quantizer import VectorQuantizer
from rcg.registry import TOKENIZERS


@TOKENIZERS.register_module()
class VQGAN(ConvAutoencoder):
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
        variant = Variant(attention=None, bias=False, shortcut_of_input=False,
                          strided=False, kernel_out=1, extra_blocks=0,
                          groups=norm_groups)
        super().__init__([dim * mult for mult in dim_mult], num_res_blocks,
                         z_dim, variant)
        self.num_codes = num_codes
        self.quantizer = VectorQuantizer(num_codes, z_dim, beta)

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
