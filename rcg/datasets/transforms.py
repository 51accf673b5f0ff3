"""Resizing and cropping, bit for bit as the published scripts do.

A transform takes and returns a dict of ``img`` (H, W, 3) uint8 RGB and
``rng``, a numpy Generator seeded with the sample's (seed, position). All its
random numbers come from there. In the pipeline of a dataset of MMEngine's,
``KeyedDataset`` gives the generator. An augmentation thus differs at every
pass over the data, does not depend on the number of workers, and is repeated
exactly by a resumed run.

Pillow resizes. It filters when it shrinks an image, where other libraries
alias, and published numbers were made with it. torch's resize, on request,
filters too and is faster, but rounds some values otherwise.
"""
from collections.abc import Sequence

import mmcv
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from numpy import ndarray
from numpy.random import Generator

from rcg.datasets.stream import rng_of_visit
from rcg.registry import TRANSFORMS

# An image with longer sides loses their ends before it is resized. Scaled
# whole, 60,000 x 1 pixels would take gigabytes, of which a crop sees little.
LONGEST = 100  # times as long as wide
INTERPOLATIONS = 'nearest', 'bilinear', 'bicubic', 'box', 'lanczos', 'hamming'
OF_BACKENDS = dict(pillow=INTERPOLATIONS, torch=('bilinear', 'bicubic'))


class Transform(BaseTransform):
    """Base of the transforms of rcg: ``apply(image (H, W, 3), rng)``.

    A random one that has few outcomes may have two more methods: ``fixed()``,
    the transforms without randomness that it chooses from, and
    ``draw(rng)``, the number of the one that ``apply`` would choose.
    """
    is_random = False

    def transform(self, results: dict) -> dict:
        """Apply to ``img``.

        Raises:
            ValueError: A random transform has nothing to draw from.
        """
        rng = results.get('rng', rng_of_visit())
        if rng is None and self.is_random:
            raise ValueError(
                f'{type(self).__name__} is random and needs the random '
                'numbers of a visit, which this dataset does not give: put '
                "dict(type='KeyedDataset', dataset=...) around it, or train "
                'it with RcgRunner, which does so.')
        return {**results, 'img': self.apply(results['img'], rng)}


class SizedTransform(Transform):
    """A transform with a ``size`` in pixels."""

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f'size must be at least 1 pixel, got {size}.')
        self.size = size


def resize(image: ndarray, sides: Sequence[int], how: str) -> ndarray:
    """Resize to ``sides`` (height, width) with one of ``INTERPOLATIONS``."""
    return mmcv.imresize(image, sides[::-1], interpolation=how,
                         backend='pillow')  # (width, height)


def resize_by_torch(image: ndarray, sides: Sequence[int], how: str
                    ) -> ndarray:
    """As :func:`resize`, 'bilinear' or 'bicubic', with other roundings."""
    image = np.require(image, requirements='CW')  # copies if it must
    # Added here, the axis of the batch lets torch keep the channels last.
    batch = torch.from_numpy(image)[None].permute(0, 3, 1, 2)
    resized = torch.nn.functional.interpolate(
        batch, tuple(sides), mode=how, antialias=True)
    return np.ascontiguousarray(resized.permute(0, 2, 3, 1)[0].numpy())


def without_ends(image: ndarray) -> ndarray:
    """Cut equal ends off an image more than ``LONGEST`` times as long as wide.

    What is left is at most that long. Other images stay as they are.
    """
    limit = LONGEST * min(image.shape[:2])
    height, width = image.shape[:2]
    top, left = (max(0, (side - limit + 1) // 2) for side in (height, width))
    return image[top:height - top, left:width - left]


@TRANSFORMS.register_module()
class Resize(SizedTransform):
    """Resize the shorter side to ``size``; keep the aspect ratio.

    The longer side is cut down to whole pixels, as torchvision does. Images
    that are too long first lose their ends; see :func:`without_ends`.

    Args:
        size: Of the shorter side, in pixels.
        interpolation: One of Pillow's filters.
        backend: 'pillow', which published numbers were made with, or 'torch',
            for 'bilinear' and 'bicubic' alone: several times as fast, and
            some values differ by 1, seldom 2 (docs/benchmarks.md).

    Raises:
        ValueError: An argument is none of these.
    """

    def __init__(self, size: int, interpolation: str = 'bicubic',
                 backend: str = 'pillow') -> None:
        super().__init__(size)
        if backend not in OF_BACKENDS:
            raise ValueError(f'backend must be one of {tuple(OF_BACKENDS)}, '
                             f'got {backend!r}.')
        if interpolation not in OF_BACKENDS[backend]:
            raise ValueError(
                f'interpolation must be one of {OF_BACKENDS[backend]}, got '
                f'{interpolation!r}; backend={backend!r} has these, '
                f"'pillow' {INTERPOLATIONS}.")
        self.interpolation, self.backend = interpolation, backend

    def apply(self, image: ndarray, rng: Generator) -> ndarray:
        image = without_ends(image)
        sides = image.shape[:2]
        sides = [int(self.size * side / min(sides)) for side in sides]
        if self.backend == 'torch':
            return resize_by_torch(image, sides, self.interpolation)
        return resize(image, sides, self.interpolation)


@TRANSFORMS.register_module()
class CenterCrop(SizedTransform):
    """Cut out the central square; half pixels are rounded as torchvision does.

    Raises:
        ValueError: The image is smaller than the square.
    """

    def offset(self, margin: int, rng: Generator) -> int:
        """First row or column of the square; ``margin`` of them are cut."""
        return round(margin / 2)  # half to even, as in published results

    def apply(self, image: ndarray, rng: Generator) -> ndarray:
        height, width = image.shape[:2]
        if min(height, width) < self.size:
            raise ValueError(
                f'cannot cut {self.size}x{self.size} out of an image of '
                f'height {height} and width {width}: put '
                f'Resize(size={self.size}) or larger before the crop.')
        top = self.offset(height - self.size, rng)
        left = self.offset(width - self.size, rng)
        return image[top:top + self.size, left:left + self.size]


@TRANSFORMS.register_module()
class RandomCrop(CenterCrop):
    """Cut out a square at a random place, all places equally likely."""
    is_random = True

    def offset(self, margin: int, rng: Generator) -> int:
        return int(rng.integers(margin + 1))


@TRANSFORMS.register_module()
class RandomFlip(Transform):
    """Mirror left and right with probability ``prob``, in [0, 1]."""
    is_random = True

    def __init__(self, prob: float = .5) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must be in [0, 1], got {prob}.')
        self.prob = prob

    def fixed(self) -> 'list[RandomFlip]':
        """Never and always."""
        return [RandomFlip(0.), RandomFlip(1.)]

    def draw(self, rng: Generator) -> int:
        """1 if ``apply`` would mirror the image, else 0."""
        return int(rng.random() < self.prob)

    def apply(self, image: ndarray, rng: Generator) -> ndarray:
        return image[:, ::-1] if self.draw(rng) else image


@TRANSFORMS.register_module()
class ADMCenterCrop(CenterCrop):
    """Resize and cut the central square as ADM does (arXiv:2105.05233).

    Halve with a box filter while the shorter side is at least twice the
    size. Resize the rest of the way with a bicubic filter. Cut out the
    centre. ADM's published reference statistics of ImageNet were made so, and
    DiT trains on such images. Images that are too long first lose their ends;
    see :func:`without_ends`.
    """

    def offset(self, margin: int, rng: Generator) -> int:
        return margin // 2

    def apply(self, image: ndarray, rng: Generator) -> ndarray:
        image = without_ends(image)
        sides = image.shape[:2]
        while min(sides) >= 2 * self.size:
            sides = [side // 2 for side in sides]
            image = resize(image, sides, 'box')
        scale = self.size / min(sides)
        image = resize(image, [round(side * scale) for side in sides],
                       'bicubic')
        return super().apply(image, rng)
