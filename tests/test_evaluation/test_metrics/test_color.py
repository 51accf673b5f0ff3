"""Errors of color as a metric."""
import pytest
import torch

from rcg.evaluation import ColorDistance, ColorError
from rcg.registry import DATASETS


def score(originals, images, batch=2):
    metric = ColorError()
    for i in range(0, len(originals), batch):
        metric.process({}, [
            dict(images=images[j], originals=originals[j], index=j)
            for j in range(i, min(i + batch, len(originals)))])
    return {name.removeprefix('reconstruction/'): value for name, value in
            metric.evaluate(len(originals)).items()}


def plain(*colors):
    return torch.tensor(colors, dtype=torch.uint8).view(-1, 3, 1, 1).expand(
        -1, -1, 4, 4)


RED, GREEN, GRAY = (255, 0, 0), (0, 255, 0), (90, 90, 90)


def test_a_hue_that_is_lost():
    found = score(plain(RED, RED, GREEN, GRAY), plain(RED, RED, GRAY, GRAY))
    assert found['hue_kept/red'] == 1
    assert found['hue_kept/green'] == found['hue_kept'] == 0
    assert 'hue_kept/blue' not in found
    assert found['color_distance'] == .25
    # Green is (-86.2, 83.2) in a* and b*.
    assert found['color_error'] == pytest.approx(119.8 / 4, abs=.05)


@pytest.mark.parametrize('batch', [1, 3, 5])
def test_without_loss(batch):
    images = torch.randint(256, (5, 3, 6, 6), dtype=torch.uint8)
    found = score(images, images, batch)
    assert found['color_error'] == found['color_distance'] == 0
    assert found['hue_kept'] == 1
    assert score(plain(GRAY), plain(GRAY))['hue_kept'] == 1


@pytest.fixture
def datasets(monkeypatch):
    """Two datasets of plain images."""
    for name, colors in ('Red', (RED, RED)), ('Both', (RED, GRAY)):
        images = [dict(images=image) for image in plain(*colors)]
        monkeypatch.setitem(DATASETS.module_dict, name, lambda images=images:
                            images)


@pytest.mark.parametrize('real', [None, dict(type='Both')])
def test_colors_of_samples(datasets, real):
    metric = ColorDistance(dict(type='Red'), real, prefix='held_out')
    images = plain(RED, GREEN, GRAY, RED)
    for i in 0, 2:
        metric.process({}, [dict(images=images[j], index=j)
                            for j in (i, i + 1)])
    wanted = {'held_out/color_distance': .5}
    if real:
        wanted['held_out/color_distance_real'] = .5
    assert metric.evaluate(4) == wanted
    assert metric.describe()['colors_of'] == ['Red', 'Both'][
        :len(wanted)]
