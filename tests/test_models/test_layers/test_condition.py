"""Layers for conditions: what happens to representations in training."""
import pytest
import torch

from rcg.models.layers.condition import RepresentationCondition
from rcg.rng import SampleRng


def layer(**options):
    torch.manual_seed(0)
    return RepresentationCondition(8, 8, **options)


def representations(count=5):
    return torch.randn(count, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize('std', [-.1, float('nan'), float('inf')])
def test_noise_must_be_a_number(std):
    with pytest.raises(ValueError, match='noise_std must be a finite number'):
        layer(noise_std=std)


def test_without_noise_nothing_changes():
    x = representations()
    plain, quiet = layer(), layer(noise_std=0.)
    for first, second in ((None, None), (rng(), rng())):
        assert torch.equal(plain(x, first), quiet(x, second))


def rng(positions=range(5)):
    return SampleRng.from_seed(3, list(positions))


@pytest.mark.parametrize('drop_prob', [0., .1])
@pytest.mark.parametrize('project', [True, False])
def test_noise_is_of_the_streams_of_the_images(drop_prob, project):
    noisy = layer(noise_std=.3, drop_prob=drop_prob, project=project)
    x = representations()
    whole = noisy(x, rng())
    assert not torch.allclose(whole, noisy(x))
    parts = [noisy(x[i:i + 1], rng([i])) for i in range(5)]
    torch.testing.assert_close(whole, torch.cat(parts))


def test_noise_has_the_deviation_that_was_asked_for():
    noisy = layer(noise_std=.3, drop_prob=0., project=False)
    x = representations(2000)
    noise = noisy(x, rng(range(2000))) - x
    assert abs(noise.std().item() - .3) < .01
    assert abs(noise.mean().item()) < .01
    assert torch.equal(noisy(x), x)  # sampling


def test_dropped_rows_have_no_noise():
    noisy = layer(noise_std=.3, drop_prob=1., project=False)
    null = noisy(representations(), rng())
    assert torch.equal(null, noisy.null(5))


def test_low_precision_stays():
    noisy = layer(noise_std=.3, project=False)
    with torch.autocast('cpu', torch.bfloat16):
        assert noisy(representations(), rng()).dtype == torch.float32
