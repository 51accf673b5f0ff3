"""Each transform, and what all of them promise."""
import colorsys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from rcg.engine import load_config
from rcg.pretraining.augment import (
    Augmentation,
    Cutout,
    RandomAffine,
    RandomFlip,
    RandomResizedCrop,
)
from rcg.registry import MODELS
from rcg.rng import SampleRng

CONFIGS = [
    dict(type='RandomAffine', degrees=20., scale=(.8, 1.2), shear=.2,
         translate=.1),
    dict(type='RandomResizedCrop', size=9, scale=(.3, 1.)),
    dict(type='RandomFlip'),
    dict(type='Cutout'),
    dict(type='ColorJitter', brightness=.4, contrast=.4, saturation=.2,
         hue=.1, prob=.8),
    dict(type='RandomGrayscale', prob=.5),
    dict(type='GaussianBlur', prob=.5),
    dict(type='Solarize', prob=.5),
    dict(type='RandomGamma'),
    dict(type='GaussianNoise'),
]


@pytest.fixture
def images():
    return torch.rand(6, 3, 9, 9, generator=torch.manual_seed(0))


def rng_at(*positions):
    return SampleRng.from_seed(3, positions)


@pytest.mark.parametrize('cfg', CONFIGS, ids=lambda cfg: cfg['type'])
def test_images_do_not_depend_on_their_batch(cfg, images):
    transform = MODELS.build(cfg)
    whole = transform(images, rng_at(*range(6)))
    assert whole.shape == images.shape
    assert whole.isfinite().all()
    part = transform(images[[4, 1]], rng_at(4, 1))
    torch.testing.assert_close(part, whole[[4, 1]], atol=1e-6, rtol=0)


@pytest.mark.parametrize('cfg', CONFIGS, ids=lambda cfg: cfg['type'])
def test_images_are_transformed_differently(cfg, images):
    same = images[:1].expand(16, -1, -1, -1)
    out = MODELS.build(cfg)(same, rng_at(*range(16)))
    assert len(out.flatten(1).unique(dim=0)) > 1
    again = MODELS.build(cfg)(same, rng_at(*range(16)))
    assert torch.equal(out, again)


@pytest.mark.parametrize('cfg', [c for c in CONFIGS if 'Crop' not in
                                 c['type']], ids=lambda cfg: cfg['type'])
def test_probability(cfg, images):
    assert torch.equal(MODELS.build(cfg | dict(prob=0.))(images,
                                                         rng_at(*range(6))),
                       images)
    many = images[:1].expand(400, -1, -1, -1)
    out = MODELS.build(cfg | dict(prob=.25))(many, rng_at(*range(400)))
    changed = (out != many).flatten(1).any(1).float().mean()
    assert .18 < changed < .32  # 3 standard deviations
    with pytest.raises(ValueError, match=r'prob must be in \[0, 1\], got 2'):
        MODELS.build(cfg | dict(prob=2))


def test_augmentation_works_on_images_in_minus_one_to_one(images):
    augment = Augmentation([dict(type='GaussianNoise', std=(1., 1.))])
    out = augment(images * 2 - 1, rng_at(*range(6)))
    assert out.min() == -1
    assert out.max() == 1
    identity = Augmentation([])(images * 2 - 1, rng_at(*range(6)))
    torch.testing.assert_close(identity, images * 2 - 1)


class FixedRng(SampleRng):
    """Gives one value as every uniform number."""

    def __init__(self, num_rows, value):
        super().__init__(torch.zeros(num_rows, 2, dtype=torch.int64))
        self.value = value

    def uniform(self, *shape):
        return torch.full((len(self), *shape), self.value)


def test_affine_in_the_middle_of_its_ranges_changes_nothing(images):
    affine = RandomAffine(degrees=90., scale=(.5, 2.), shear=1., translate=.5)
    out = affine(images, FixedRng(6, .5))
    torch.testing.assert_close(out, images, atol=1e-5, rtol=0)


@pytest.mark.parametrize(('side', 'width'), [(9, 9), (9, 15)])
def test_affine_rotates_by_its_angle(side, width):
    images = torch.rand(2, 3, side, width)
    out = RandomAffine(degrees=180.)(images, FixedRng(2, 1.))
    torch.testing.assert_close(out, images.rot90(2, (2, 3)), atol=1e-4,
                               rtol=0)


def test_affine_rotation_keeps_distances_in_wide_images():
    # A quarter turn of a bar through the center of a wide image.
    images = torch.zeros(1, 3, 9, 15)
    images[:, :, 4, 4:11] = 1  # 7 pixels, lying
    out = RandomAffine(degrees=90.)(images, FixedRng(1, 1.))
    expected = torch.zeros(1, 3, 9, 15)
    expected[:, :, 1:8, 7] = 1  # 7 pixels, standing
    torch.testing.assert_close(out, expected, atol=1e-4, rtol=0)


def test_affine_magnifies():
    images = torch.zeros(1, 3, 16, 16)
    images[:, :, 6:10, 6:10] = 1
    out = RandomAffine(scale=(2., 2.))(images, FixedRng(1, .5))
    assert out[:, :, 5:11, 5:11].min() > .99
    assert out[0, 0].sum() == pytest.approx(64, rel=.1)


def test_affine_shifts():
    images = torch.rand(1, 3, 10, 10)
    out = RandomAffine(translate=.2)(images, FixedRng(1, 1.))
    torch.testing.assert_close(out[..., :8, :8], images[..., 2:, 2:],
                               atol=1e-5, rtol=0)
    assert out[..., 8:, :].abs().max() < 1e-5


def test_crop_of_everything_resizes(images):
    crop = RandomResizedCrop(9, scale=(1., 1.), ratio=(1., 1.))
    torch.testing.assert_close(crop(images, rng_at(*range(6))), images,
                               atol=1e-5, rtol=0)
    assert RandomResizedCrop(4)(images, rng_at(*range(6))).shape[2:] == (4, 4)


@pytest.mark.parametrize('size', [(9, 9), (6, 10)])
def test_crop_without_size_keeps_that_of_the_images(size):
    images = torch.rand(2, 3, *size)
    rng = rng_at(0, 1)
    out = RandomResizedCrop(scale=(.5, .5))(images, rng)
    assert out.shape == images.shape
    whole = RandomResizedCrop(scale=(1., 1.), ratio=(1., 1.))
    if size[0] == size[1]:
        torch.testing.assert_close(whole(images, rng), images, atol=1e-5,
                                   rtol=0)
        fixed = RandomResizedCrop(size[0], scale=(.5, .5))(images,
                                                           rng_at(0, 1))
        assert torch.equal(out, fixed)


def test_crop_takes_the_share_and_the_corner_that_were_drawn():
    images = torch.rand(1, 3, 16, 16)
    crop = RandomResizedCrop(8, scale=(.25, .25), ratio=(1., 1.))
    first = crop(images, FixedRng(1, 0.))
    torch.testing.assert_close(first, images[..., :8, :8], atol=1e-5, rtol=0)
    last = crop(images, FixedRng(1, 1.))
    torch.testing.assert_close(last, images[..., 8:, 8:], atol=1e-5, rtol=0)


def test_flip_and_cutout(images):
    assert torch.equal(RandomFlip(1.)(images, rng_at(*range(6))),
                       images.flip(3))
    out = Cutout(size=(1 / 3, 1 / 3))(images, FixedRng(6, .5))
    hole = torch.zeros(9, 9, dtype=torch.bool)
    hole[3:6, 3:6] = True
    assert (out[..., hole] == 0).all()
    assert torch.equal(out[..., ~hole], images[..., ~hole])


def test_published_views_for_natural_images():
    path = Path(__file__).parents[2] / 'configs/_base_/augmentations'
    views = Config.fromfile(path / 'moco_v3.py')._views
    images = torch.rand(2, 3, 64, 80) * 2 - 1
    for view in views:
        out = Augmentation(view)(images, rng_at(0, 1))
        assert out.shape == (2, 3, 224, 224)
        assert out.abs().max() <= 1
        assert out.isfinite().all()
    assert [t['type'] for t in views[1]] == [
        'RandomResizedCrop', 'ColorJitter', 'RandomGrayscale',
        'GaussianBlur', 'Solarize', 'RandomFlip']
    blurred = [t['prob'] for view in views for t in view
               if t['type'] == 'GaussianBlur']
    assert blurred == [1., .1]


OWN = ('keep_color', 'keep_color_flip', 'change_color', 'change_color_flip')


@pytest.fixture(scope='module')
def own(tmp_path_factory):
    """The lists as a config elsewhere takes them, chosen by a variable."""
    path = tmp_path_factory.mktemp('own') / 'leaf.py'
    found = {}
    for name in OWN:
        path.write_text(
            "_base_ = 'rcg::_base_/augmentations/own_images.py'\n"
            f'_augment = {name!r}\n'
            "model = dict(views=[_base_._augmentations[_augment]] * 2)\n")
        first, second = load_config(str(path)).model.views
        assert first == second
        found[name] = first
    return found


@pytest.mark.parametrize('size', [32, 64, 128, 256])
@pytest.mark.parametrize('name', OWN)
def test_views_of_own_images_have_their_size(own, name, size):
    images = torch.rand(2, 3, size, size) * 2 - 1
    first = Augmentation(own[name])(images, rng_at(0, 1))
    assert first.shape == images.shape
    assert first.isfinite().all()
    assert first.abs().max() <= 1
    assert not torch.equal(first, images)


def hues(images):
    """Hue of the center of each image, in turns; None for gray."""
    for color in ((images[:, :, 16, 16] + 1) / 2).tolist():
        if max(color) - min(color) > .02:
            yield colorsys.rgb_to_hsv(*color)[0]
        elif max(color):  # not cut out
            yield None


@pytest.mark.parametrize('name', OWN)
def test_views_of_own_images_keep_colors_or_change_them(own, name):
    color = torch.tensor([.6, .4, .3]) * 2 - 1
    images = color.view(1, 3, 1, 1).expand(200, 3, 32, 32)
    found = list(hues(Augmentation(own[name])(images, rng_at(*range(200)))))
    assert len(found) > 100
    kept = [h for h in found if h is not None and abs(h - 1 / 18) < 2e-3]
    if name.startswith('keep'):
        assert len(kept) == len(found)
    else:
        assert len(kept) < .5 * len(found)
        assert .1 < found.count(None) / len(found) < .3


@pytest.mark.parametrize('name', OWN)
def test_views_of_own_images_are_mirrored_or_not(own, name):
    images = torch.linspace(-1, 1, 32).expand(100, 3, 32, 32)
    out = Augmentation([t for t in own[name] if t['type'] != 'Cutout'])(
        images, rng_at(*range(100)))
    mirrored = (out[..., -1] < out[..., 0]).all(2).all(1).float().mean()
    if name.endswith('flip'):
        assert .35 < mirrored < .65
    else:
        assert mirrored == 0
