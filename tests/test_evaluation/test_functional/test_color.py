"""Colors of images."""
import colorsys

import pytest
import torch

from rcg.evaluation.functional.color import (
    HUES,
    color_errors,
    color_histogram,
    histogram_distance,
    hue_bins,
    kept_hues,
    to_lab,
)


def pixels(*colors):
    """(1, 3, 1, n) of triples."""
    return torch.tensor(colors, dtype=torch.uint8).T[None, :, None]


def of_hue(degrees, saturation=1., value=1.):
    return [round(255 * c) for c in colorsys.hsv_to_rgb(
        degrees % 360 / 360, saturation, value)]


@pytest.mark.parametrize('offset', [-14, 0, 14])
@pytest.mark.parametrize('value', [.4, 1.])
def test_hues_are_those_of_hsv(offset, value):
    for number in range(len(HUES)):
        image = pixels(of_hue(30 * number + offset, value=value))
        assert hue_bins(image).item() == number


def test_gray_has_no_hue():
    assert (hue_bins(pixels((0, 0, 0), (255, 255, 255), (200, 180, 170)))
            == -1).all()


def test_what_is_kept():
    red, green, gray = (255, 0, 0), (0, 255, 0), (9, 9, 9)
    before = pixels(red, red, green, gray)
    after = pixels(red, gray, (0, 255, 120), red)
    counts, kept = kept_hues(before, after)
    assert counts[0, [0, 4]].tolist() == [2, 1]
    assert kept[0, [0, 4]].tolist() == [1, 1]  # mint is beside green
    assert counts.sum() == 3


def test_lab_of_known_colors():
    lab = to_lab(pixels((255, 255, 255), (255, 0, 0), (0, 0, 255)))[0, :, 0]
    wanted = [[100, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86]]
    torch.testing.assert_close(lab.T, torch.tensor(wanted), atol=.03, rtol=0)


def test_errors_leave_lightness_out():
    gray, light = pixels((50, 50, 50)), pixels((200, 200, 200))
    assert color_errors(gray, light).item() < .05
    red = pixels((255, 0, 0))
    assert color_errors(gray, red).item() == pytest.approx(104.6, abs=.1)
    assert color_errors(red, red).item() == 0


def test_distance_of_histograms():
    red, blue = (color_histogram(pixels(c)) for c in (
        (255, 0, 0), (0, 0, 255)))
    both = color_histogram(pixels((255, 0, 0), (0, 0, 255)))
    assert red.sum() == 1
    assert histogram_distance(red, red) == 0
    assert histogram_distance(red, blue) == 1
    assert histogram_distance(red, both) == .5
