"""Batches of images on the host -> arguments of the models."""
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from rcg.registry import MODELS
from rcg.rng import SampleRng


def to_uint8(images: Tensor, quantization: str = 'truncate') -> Tensor:
    """Convert images (N, 3, H, W) in [-1, 1] to uint8, for files and metrics.

    Args:
        images (N, 3, H, W): Values outside of [-1, 1] are clipped.
        quantization: 'truncate', as in the published code, or 'round'.
    """
    scaled = ((images.float() + 1) / 2 * 255).clamp_(0, 255)
    if quantization == 'round':
        scaled = scaled.round_()
    return scaled.byte()


@MODELS.register_module()
class ImagePreprocessor(BaseDataPreprocessor):
    """Moves a batch to the device, scales images, builds random streams.

    ``images`` (N, 3, H, W), uint8, become float32 in [-1, 1]. ``keys`` (N, 2)
    become ``rng``, a :class:`~rcg.rng.SampleRng`, of which ``num_draws``
    were drawn before, if that is given. Other entries stay.

    Args:
        non_blocking: Whether copies from pinned memory are asynchronous.
    """

    def __init__(self, non_blocking: bool = True) -> None:
        super().__init__(non_blocking)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Batch -> keyword arguments of a model's forward."""
        data = dict(self.cast_data(data))
        if 'images' in data:
            data['images'] = data['images'].float().div_(127.5).sub_(1)
        if 'keys' in data:
            data['rng'] = SampleRng(data.pop('keys'),
                                    data.pop('num_draws', 0))
        return data
