import pytest
import torch

from rcg.models.encoders import SmallResNet


def build(depth):
    with torch.device('meta'):
        return SmallResNet(depth)


@pytest.mark.parametrize(('depth', 'width', 'published'), [
    # ResNet of torchvision without its classifier of 1,000 classes; the
    # first convolution has 9 weights instead of 49 for each pair of channels.
    (18, 512, 11_689_512 - 513_000), (50, 2048, 25_557_032 - 2_049_000)])
def test_it_is_the_published_network(depth, width, published):
    encoder = build(depth)
    assert sum(p.numel() for p in encoder.backbone.parameters()) == (
        published - 40 * 3 * 64)
    assert (encoder.feature_dim, encoder.rep_dim) == (width, 128)


def test_it_starts_at_full_resolution():
    sizes = []
    encoder = build(18)
    encoder.backbone.layer1.register_forward_hook(
        lambda module, inputs, output: sizes.append(output.shape[-2:]))
    found = encoder.project(torch.empty(2, 3, 32, 32, device='meta'))
    assert sizes == [(32, 32)] and found.shape == (2, 128)
    places = encoder.feature_map(torch.empty(2, 3, 32, 32, device='meta'))
    assert places.shape == (2, 512, 4, 4)


def test_refuses_other_depths():
    with pytest.raises(ValueError, match='depth must be 18, .* got 20'):
        build(20)
