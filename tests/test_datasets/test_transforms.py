import warnings

import numpy as np
import pytest
from PIL import Image

from rcg.datasets import transforms
from rcg.datasets.transforms import (
    ADMCenterCrop,
    CenterCrop,
    RandomCrop,
    RandomFlip,
    Resize,
)
from tests.reference import assert_reproduced


def test_published_preprocessing():
    assert_reproduced('preprocessing')


def test_the_longer_side_is_cut_down_to_whole_pixels():
    image = np.zeros((9, 19, 3), np.uint8)  # 8 / 9 * 19 = 16.9
    assert Resize(8).apply(image, None).shape == (8, 16, 3)
    assert Resize(8).apply(image.transpose(1, 0, 2), None).shape == (
        16, 8, 3)


@pytest.mark.parametrize('length', [60_000, 60_001])
@pytest.mark.parametrize('transform', [Resize, ADMCenterCrop])
def test_a_line_makes_no_giant_image(monkeypatch, length, transform):
    """Scaled whole, it would have 4 million columns."""
    sizes, resize = [], transforms.resize
    monkeypatch.setattr(transforms, 'resize', lambda image, sides, how: (
        sizes.append(sides), resize(image, sides, how))[1])
    line = np.random.default_rng(0).integers(0, 256, (1, length, 3), np.uint8)
    steps = transform(64), CenterCrop(64)
    for image in (line, line.transpose(1, 0, 2)):
        for step in steps:
            image = step.apply(image, None)
        assert max(sizes.pop()) <= 64 * 100
    # What is cut off is the same at both ends.
    middle = line[:, length // 2 - 9:(length + 1) // 2 + 9]
    for step in steps:
        middle = step.apply(middle, None)
    assert (image.transpose(1, 0, 2) == middle).all()


def test_only_extreme_images_lose_their_ends():
    for sides in ((3, 300), (300, 3), (9, 20)):
        image = np.random.default_rng(0).integers(0, 256, (*sides, 3),
                                                  np.uint8)
        scaled = [8 * side // min(sides) for side in sides]
        assert (Resize(8).apply(image, None) == transforms.resize(
            image, scaled, 'bicubic')).all()
    assert Resize(8).apply(np.zeros((3, 301, 3), np.uint8), None).shape == (
        8, 797, 3)  # 299 columns are left


@pytest.mark.parametrize('how', ['bicubic', 'bilinear'])
def test_torch_resizes_as_pillow_does_but_for_rounding(how):
    draw = np.random.default_rng(0)
    for sides in ((90, 61), (61, 90), (20, 33), (32, 40)):
        image = draw.integers(0, 256, (*sides, 3), np.uint8)
        ours, theirs = (Resize(32, how, backend).apply(image, None)
                        for backend in ('torch', 'pillow'))
        assert ours.shape == theirs.shape and ours.flags.c_contiguous
        gap = np.abs(ours.astype(int) - theirs)
        assert gap.max() <= 2 and gap.mean() < .05
        # Any view of an image, and one that is not to be written to.
        mirrored = np.ascontiguousarray(image[:, ::-1])
        mirrored.flags.writeable = False
        with warnings.catch_warnings(action='error'):
            assert (Resize(32, how, 'torch').apply(image[:, ::-1], None)
                    == Resize(32, how, 'torch').apply(mirrored, None)).all()


def test_pillow_resizes_unless_told_otherwise():
    with pytest.raises(ValueError, match='backend'):
        Resize(8, backend='cv2')
    with pytest.raises(ValueError, match="'lanczos'.*pillow"):
        Resize(8, 'lanczos', 'torch')
    assert Resize(8).backend == 'pillow'


def test_crops_reach_every_place_equally_often():
    image = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)
    rng = np.random.default_rng(0)
    corners = [RandomCrop(3).apply(image, rng)[0, 0, 0] for _ in range(600)]
    values, counts = np.unique(corners, return_counts=True)
    wanted = [image[top, left, 0] for top in range(3) for left in range(2)]
    assert values.tolist() == wanted
    assert counts.min() > 60


def test_flips_half_of_the_images():
    image = np.arange(12, dtype=np.uint8).reshape(1, 4, 3)
    rng = np.random.default_rng(0)
    flipped = [RandomFlip().apply(image, rng)[0, 0, 0] == 9
               for _ in range(400)]
    assert 160 < sum(flipped) < 240
    assert (RandomFlip(1.).apply(image, rng)[0, :, 0] == [9, 6, 3, 0]).all()
    assert (RandomFlip(0.).apply(image, rng) == image).all()


@pytest.mark.parametrize(('height', 'width'), [(70, 131), (64, 64), (20, 33),
                                               (16, 40), (33, 32)])
def test_adm_crop_halves_with_a_box_filter_first(height, width):
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3),
                                              np.uint8)
    ours = ADMCenterCrop(16).apply(image, None)
    # The same in Pillow alone, step by step for at most two halvings.
    picture = Image.fromarray(image)
    while min(*picture.size) >= 32:
        picture = picture.resize(tuple(x // 2 for x in picture.size),
                                 resample=Image.BOX)
    scale = 16 / min(*picture.size)
    picture = picture.resize(tuple(round(x * scale) for x in picture.size),
                             resample=Image.BICUBIC)
    left, top = ((side - 16) // 2 for side in picture.size)
    wanted = picture.crop((left, top, left + 16, top + 16))
    assert (ours == np.array(wanted)).all()


def test_too_small_for_the_crop():
    image = np.zeros((8, 20, 3), np.uint8)
    for transform in (CenterCrop(10), RandomCrop(10)):
        with pytest.raises(ValueError, match=r'Resize\(size=10\)'):
            transform.apply(image, np.random.default_rng(0))


def test_refuses_wrong_settings():
    with pytest.raises(ValueError, match="'lanczos'.*got 'cubic'"):
        Resize(8, 'cubic')
    with pytest.raises(ValueError, match='at least 1 pixel, got 0'):
        CenterCrop(0)
    with pytest.raises(ValueError, match=r'in \[0, 1\], got 2'):
        RandomFlip(2)
