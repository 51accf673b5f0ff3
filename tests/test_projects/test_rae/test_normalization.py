"""Statistics of feature maps: closed forms, and what is refused."""
import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.registry import MODELS
from tests.test_projects.test_rae.parts import ENCODER, NORMALIZATION, images


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        yield


def training(**changes):
    return MODELS.build(dict(type='NormalizationTraining', encoder=ENCODER,
                             normalization=NORMALIZATION | changes))


@pytest.mark.parametrize(('grid_size', 'axes'), [(2, 0), (None, (0, 2, 3))])
def test_statistics_are_those_of_all_images(grid_size, axes):
    model = training(grid_size=grid_size)
    for part in images(10).split(4):
        model(part, mode='loss')
    norm, x = model.normalization, model.encoder.feature_map(images(10))
    assert norm.num_images == 10
    variance, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
    torch.testing.assert_close(norm.mean[None], mean)
    torch.testing.assert_close(norm.variance[None], variance, atol=1e-6,
                               rtol=1e-4)
    codes = model(images(10))
    torch.testing.assert_close(codes, (x - mean) / (variance + 1e-5).sqrt(),
                               atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(norm.inverse(codes), x)
    # Values that never change, here of a ReLU, are 0.
    assert not codes[variance.expand_as(codes) == 0].any()


def test_it_changes_nothing_before():
    norm = MODELS.build(NORMALIZATION)
    x = torch.randn(3, 6, 2, 2)
    torch.testing.assert_close(norm(x), x)
    assert norm.num_images == 0


def test_a_resumed_pass_equals_a_whole_one():
    whole, first, resumed = (training() for _ in range(3))
    for model in whole, resumed:
        model.encoder.module.load_state_dict(first.encoder.state_dict())
    parts = images(8).split(2)
    for part in parts:
        whole(part, mode='loss')
    for part in parts[:2]:
        first(part, mode='loss')
    assert not any('encoder' in name for name in first.state_dict())
    resumed.load_state_dict(first.state_dict())
    for part in parts[2:]:
        resumed(part, mode='loss')
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_other_sizes_are_refused():
    model = training(grid_size=3)
    with pytest.raises(ValueError, match=r'features of \(6, 2, 2\) .*3, 3\)'):
        model(images(), mode='loss')
    with pytest.raises(ValueError, match=r'is for \(5, 2, 2\)'):
        training(num_channels=5, grid_size=None)(images(), mode='loss')
