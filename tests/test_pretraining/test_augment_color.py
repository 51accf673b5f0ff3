import colorsys

import pytest
import torch

from rcg.pretraining.augment_color import (
    ColorJitter,
    GaussianBlur,
    GaussianNoise,
    RandomGamma,
    RandomGrayscale,
    Solarize,
    luma,
    shift_hue,
)
from tests.test_pretraining.test_augment import FixedRng


@pytest.fixture
def images():
    return torch.rand(2, 3, 8, 8, generator=torch.manual_seed(0))


@pytest.mark.parametrize('shift', [0., .1, -.3, .5])
def test_hue_is_that_of_hsv(shift):
    colors = torch.rand(30, 3, generator=torch.manual_seed(0))
    colors[0] = .4  # gray
    ours = shift_hue(colors.view(30, 3, 1, 1),
                     torch.full((30, 1, 1), shift)).view(30, 3)
    for color, found in zip(colors.tolist(), ours, strict=True):
        h, s, v = colorsys.rgb_to_hsv(*color)
        wanted = torch.tensor(colorsys.hsv_to_rgb((h + shift) % 1, s, v))
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


def test_color_jitter_at_the_ends_of_its_ranges(images):
    dark = ColorJitter(brightness=1.)(images, FixedRng(2, 0.))
    assert not dark.any()
    flat = ColorJitter(contrast=1.)(images, FixedRng(2, 0.))
    mean = luma(images).mean((2, 3), keepdim=True)
    torch.testing.assert_close(flat, mean.expand_as(images))
    gray = ColorJitter(saturation=1.)(images, FixedRng(2, 0.))
    torch.testing.assert_close(gray, luma(images).expand_as(images))
    bright = ColorJitter(brightness=.5)(images, FixedRng(2, 1.))
    torch.testing.assert_close(bright, (1.5 * images).clamp(max=1))


def test_color_jitter_in_the_middle_changes_nothing(images):
    jitter = ColorJitter(.4, .4, .4, .1)
    torch.testing.assert_close(jitter(images, FixedRng(2, .5)), images)


def test_grayscale_solarize_gamma(images):
    gray = RandomGrayscale(1.)(images, FixedRng(2, 0.))
    torch.testing.assert_close(gray, luma(images).expand_as(images))
    torch.testing.assert_close(luma(gray), luma(images))
    solarized = Solarize(prob=1.)(images, FixedRng(2, 0.))
    torch.testing.assert_close(solarized, torch.minimum(images, 1 - images))
    squared = RandomGamma((2., 2.))(images, FixedRng(2, .5))
    torch.testing.assert_close(squared, images**2)


def test_blur_has_its_width(images):
    dot = torch.zeros(1, 3, 33, 33)
    dot[..., 16, 16] = 1
    out = GaussianBlur(sigma=(2., 2.))(dot, FixedRng(1, .5))
    assert out.sum() == pytest.approx(3, rel=1e-5)
    at = torch.arange(33) - 16.
    variance = (out[0, 0].sum(0) * at**2).sum()
    assert variance == pytest.approx(4, rel=.03)  # cut at 3 sigma
    torch.testing.assert_close(out, out.transpose(2, 3))
    constant = torch.full((2, 3, 8, 8), .3)
    torch.testing.assert_close(GaussianBlur()(constant, FixedRng(2, .9)),
                               constant)


def test_noise_has_its_size_and_no_color():
    noise = GaussianNoise(std=(.2, .2))
    x = torch.zeros(1, 3, 64, 64)
    rng = FixedRng(1, .5)
    out = noise(x, rng)
    assert out.std() == pytest.approx(.2, rel=.05)
    assert torch.equal(out[:, 0], out[:, 2])
