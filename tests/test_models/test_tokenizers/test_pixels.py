"""The identity, as a part like the others."""
import pytest
import torch

from rcg.models import Frozen
from rcg.registry import TOKENIZERS


@pytest.mark.parametrize('size', [(8, 8), (7, 13)])
def test_codes_are_the_images_themselves(size):
    pixels = Frozen.build(TOKENIZERS, dict(type='Pixels')).on(
        torch.device('cpu'))
    images = torch.rand(2, 3, *size)
    assert pixels.encode(images) is images
    assert pixels.decode(images) is images
    assert not pixels.state_dict()
