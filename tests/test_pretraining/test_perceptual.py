"""Distances between images in frozen features."""
import pytest
import torch
from torch import nn

from rcg.checkpoint import CheckpointError
from rcg.pretraining.perceptual import (
    PerceptualLoss,
    VGG16Features,
    feature_distance,
)
from rcg.registry import ENCODERS


@ENCODERS.register_module()
class PlainEncoder(nn.Module):
    rep_dim = 4

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 4)

    def forward(self, images):
        return self.linear(images.mean((2, 3)))


@pytest.fixture
def loss():
    torch.manual_seed(0)
    return PerceptualLoss(dict(type='EncoderFeatures', encoder=dict(
        type='PlainEncoder')), weight=2.)


def test_distance_in_closed_form():
    a = torch.tensor([[3., 4.], [1., 0.]])
    b = torch.tensor([[6., 8.], [0., 2.]])
    # Rows: parallel, so 0; orthogonal, so 2.
    assert feature_distance([a], [b]).item() == pytest.approx(1)
    maps = [x[:, :, None, None].expand(2, 2, 3, 3) for x in (a, b)]
    assert feature_distance([a, maps[0]], [b, maps[1]]).item() == (
        pytest.approx(2))


def test_gradients_reach_the_image_and_not_the_network(loss):
    reals, fakes = torch.randn(2, 2, 3, 8, 8)
    fakes.requires_grad_()
    value = loss(fakes, reals)
    value.backward()
    assert value > 0
    assert fakes.grad.any()
    assert not list(loss.parameters())
    assert not loss.state_dict()
    network = loss.network.encoder.on(torch.device('cpu'))
    assert all(p.grad is None for p in network.parameters())
    assert loss(reals, reals) == 0


def test_weight(loss):
    reals, fakes = torch.randn(2, 2, 3, 8, 8)
    twice = loss(fakes, reals)
    loss.weight = 1.
    torch.testing.assert_close(twice, 2 * loss(fakes, reals))


@pytest.fixture(scope='module')
def vgg_file(tmp_path_factory):
    from torchvision.models import vgg16
    torch.manual_seed(0)
    with torch.device('meta'):  # the classifier is 500 MB
        state = vgg16(weights=None).state_dict()
    state = {name: torch.randn(value.shape) * .05
             for name, value in state.items() if 'features' in name}
    path = tmp_path_factory.mktemp('vgg') / 'vgg16.pth'
    torch.save(state, path)
    return path


def test_vgg_reads_a_torchvision_file(vgg_file):
    network = VGG16Features(str(vgg_file))
    images = torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        features = network(images)
    assert [tuple(f.shape[1:]) for f in features] == [
        (64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (512, 2, 2)]
    # After a ReLU each, and left alone by the layers behind it.
    assert all((f >= 0).all() and (f == 0).any() for f in features)
    weight = torch.load(vgg_file)['features.28.weight']
    assert torch.equal(network.layers[28].weight, weight)


def test_vgg_normalises_as_torchvision_does(vgg_file):
    network = VGG16Features(str(vgg_file))
    seen = []
    network.layers[0].register_forward_pre_hook(
        lambda module, args: seen.append(args[0]))
    with torch.no_grad():
        network(torch.ones(1, 3, 16, 16))
    wanted = [(1 - .485) / .229, (1 - .456) / .224, (1 - .406) / .225]
    assert seen[0][0, :, 0, 0].tolist() == pytest.approx(wanted)


def test_vgg_wants_its_own_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        VGG16Features(str(tmp_path / 'none.pth'))
    torch.save({'features.0.weight': torch.zeros(1)}, tmp_path / 'bad.pth')
    with pytest.raises(CheckpointError, match='0.weight'):
        VGG16Features(str(tmp_path / 'bad.pth'))
