"""The tokenizer of pixel-space generators, which changes nothing."""
from torch import Tensor, nn

from rcg.registry import TOKENIZERS
from rcg.rng import SampleRng


@TOKENIZERS.register_module()
class Pixels(nn.Module):
    """The codes are the images, for generators in pixel space (ADM).

    It has no weights and takes images (N, 3, H, W) of any size.
    """

    def encode(self, images: Tensor) -> Tensor:
        return images

    def training_codes(self, codes: Tensor, rng: SampleRng) -> Tensor:
        return codes

    def decode(self, codes: Tensor) -> Tensor:
        return codes
