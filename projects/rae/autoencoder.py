"""The representation autoencoder as a tokenizer (arXiv:2510.11690).

Letters: N batch, C channels of a code, h w grid.
"""
import torch
from torch import Tensor, nn

from rcg.frozen import Frozen, HasFrozenParts
from rcg.registry import ENCODERS, MODELS, TOKENIZERS
from rcg.rng import SampleRng


@TOKENIZERS.register_module()
class RepresentationAutoencoder(HasFrozenParts, nn.Module):
    """Images <-> the feature map of a frozen encoder, normalized.

    Nothing but the decoder is trained. The encoder is not in the checkpoint:
    it is a frozen part of this tokenizer as of any model, and has a
    checkpoint of its own.

    Args:
        encoder: Config of the frozen encoder, with ``checkpoint``; its
            :meth:`~rcg.models.encoders.base.Encoder.feature_map` makes the
            codes.
        normalization: Config of :class:`GridNormalization`.
        decoder: Config of what makes images of codes, such as
            :class:`ViTDecoder`.

    Raises:
        ValueError: Normalization and decoder are of different sizes.
    """

    compiled_children = ('decoder', )

    def __init__(self, encoder: dict, normalization: dict,
                 decoder: dict) -> None:
        super().__init__()
        self.encoder = Frozen.build(ENCODERS, encoder)
        self.normalization = MODELS.build(normalization)
        self.decoder = MODELS.build(decoder)
        ours, theirs = self.normalization, self.decoder
        if (ours.num_channels != theirs.in_channels
                or ours.grid_size not in (None, theirs.grid_size)):
            raise ValueError(
                'normalization and decoder must have the same channels and '
                f'grid, got {ours.num_channels} of {ours.grid_size} and '
                f'{theirs.in_channels} of {theirs.grid_size}; set them to '
                "those of the encoder's feature map.")

    @property
    def last_layer(self) -> nn.Parameter:
        """Weights that make the pixels, for the adversarial loss."""
        return self.decoder.pixels.weight

    def grid_size(self, image_size: int) -> int:
        """Places along a side of the codes, whatever the images' size.

        Raises:
            ValueError: Reconstructions would be of another size.
        """
        size = self.decoder.grid_size * self.decoder.patch_size
        if image_size != size:
            raise ValueError(f'this tokenizer makes images of {size} pixels '
                             f'a side, got {image_size}; resize the images, '
                             "or change the decoder's patch_size.")
        return self.decoder.grid_size

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        """Codes (N, C, h, w) of images (N, 3, H, W) in [-1, 1].

        Raises:
            ValueError: The feature map is of another size than the codes.
        """
        with self.encoder.in_float32(images.device) as encoder:
            features = encoder.feature_map(images.float()).float()
            self.normalization.check(features)
            return self.normalization(features)

    latents = encode

    def training_codes(self, codes: Tensor, rng: SampleRng) -> Tensor:
        """What a generator learns: the codes, without noise."""
        return codes

    def decode(self, codes: Tensor) -> Tensor:
        """Codes -> images (N, 3, H, W), about [-1, 1], not clamped."""
        return self.decoder(codes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Reconstructions, and the codes."""
        codes = self.encode(images)
        return self.decode(codes), codes
