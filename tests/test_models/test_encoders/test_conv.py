import pytest
import torch

from rcg.models.encoders.conv import ConvEncoder


def test_default_size_is_the_quick_starts():
    encoder = ConvEncoder()
    assert sum(p.numel() for p in encoder.parameters()) == 356_896
    assert encoder.rep_dim == 64


@torch.no_grad()
@pytest.mark.parametrize('size', [8, 16, 20])
def test_any_image_size(size):
    images = torch.rand(2, 3, size, size) * 2 - 1
    assert ConvEncoder().eval()(images).shape == (2, 64)


def test_refuses_strides_that_do_not_match():
    with pytest.raises(ValueError, match='got 2 and 1'):
        ConvEncoder(widths=(4, 4), strides=(1, ))
