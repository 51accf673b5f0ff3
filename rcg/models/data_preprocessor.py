"""From a batch of bytes on the host to what the models take."""
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from rcg.registry import MODELS
from rcg.rng import SampleRng


def to_uint8(images: Tensor, quantization: str = 'truncate') -> Tensor:
    """Images (N, 3, H, W) in [-1, 1], clipped, for files and metrics.

    'truncate' cuts fractions off, as the published code does; 'round' rounds.
    """
    scaled = ((images.float() + 1) / 2 * 255).clamp_(0, 255)
    return (scaled.round_() if quantization == 'round' else scaled).byte()


@MODELS.register_module()
class ImagePreprocessor(BaseDataPreprocessor):
    """Move a batch to the device; scale images; make random streams.

    ``images`` uint8 (N, 3, H, W) become float32 in [-1, 1]; ``keys`` (N, 2)
    become ``rng``, a :class:`~rcg.rng.SampleRng`; all else stays. Nothing
    waits for the copy of pinned memory unless ``non_blocking`` is False.
    """

    def __init__(self, non_blocking: bool = True) -> None:
        super().__init__(non_blocking)

    def forward(self, data: dict, training: bool = False) -> dict:
        """The batch as keyword arguments of a model's forward."""
        data = dict(self.cast_data(data))
        if 'images' in data:
            data['images'] = data['images'].float().div_(127.5).sub_(1)
        if 'keys' in data:
            data['rng'] = SampleRng(data.pop('keys'))
        return data
