"""A model of random images, at a speed that a test may choose."""
import os
import time

from mmengine.model import BaseModel
from torch import nn

import tests.test_evaluation.toy  # noqa: F401  its extractor and images
from rcg.registry import MODELS


@MODELS.register_module()
class ToyPainter(BaseModel):
    """Draws 3 x 8 x 8 random pixels; TOY_DELAY is its time for a batch.

    Args:
        quantization: Not used; the protocol has it.
    """

    def __init__(self, quantization: str = 'truncate') -> None:
        super().__init__({'type': 'ImagePreprocessor'})
        self.quantization, self.net = quantization, nn.Linear(1, 1)

    def forward(self, rng, indices, labels=None, mode='tensor'):
        time.sleep(float(os.environ.get('TOY_DELAY', 0)))
        images = rng.randint(256, 3, 8, 8).byte()
        return [{'images': image, 'index': int(index)}
                for image, index in zip(images, indices, strict=True)]
