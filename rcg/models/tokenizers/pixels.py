"""No tokenizer: pixels are the codes."""
from torch import Tensor, nn

from rcg.registry import TOKENIZERS
from rcg.rng import SampleRng


@TOKENIZERS.register_module()
class Pixels(nn.Module):
    """Images <-> the same images, for generators that draw pixels (ADM).

    It has no weights, and takes images (N, 3, H, W) of any size.
    """

    def encode(self, images: Tensor) -> Tensor:
        return images

    def draw(self, codes: Tensor, rng: SampleRng) -> Tensor:
        return codes

    def decode(self, codes: Tensor) -> Tensor:
        return codes
