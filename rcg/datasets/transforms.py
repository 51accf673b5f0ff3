"""Resizing and cropping as the published scripts do, to the last bit.

A transform takes and returns a dict of ``img`` (H, W, 3) uint8 RGB and
``rng``, a numpy Generator made of the sample's (seed, position). It draws
from nothing else, so an augmentation is new at every pass over the data, the
same in every worker layout, and repeated exactly by a resumed run.

Sizes are resized by Pillow, through mmcv: it filters when it shrinks (other
libraries alias), and published numbers were made with it.
"""
import mmcv
import numpy as np
from mmcv.transforms import BaseTransform

from rcg.registry import TRANSFORMS

INTERPOLATIONS = 'nearest', 'bilinear', 'bicubic', 'box', 'lanczos', 'hamming'


class Transform(BaseTransform):
    """Base of the transforms of rcg: a function of an image and a rng."""
    is_random = False

    def transform(self, results: dict) -> dict:
        image = self.apply(results['img'], results['rng'])
        return {**results, 'img': image}

    def apply(self, image: np.ndarray,
              rng: np.random.Generator) -> np.ndarray:
        """Transform one image (H, W, 3)."""
        raise NotImplementedError


def crop(image: np.ndarray, top: int, left: int, size: int) -> np.ndarray:
    """Cut out (size, size, 3); ``top`` and ``left`` in pixels."""
    height, width = image.shape[:2]
    if min(height, width) < size:
        raise ValueError(
            f'cannot cut {size}x{size} out of an image of height {height} '
            f'and width {width}: put Resize(size={size}) or larger before '
            'the crop.')
    return image[top:top + size, left:left + size]


def _check_size(size: int) -> int:
    if size < 1:
        raise ValueError(f'size must be at least 1 pixel, got {size}.')
    return size


@TRANSFORMS.register_module()
class Resize(Transform):
    """Resize the shorter side to ``size``; keep the aspect ratio.

    The longer side is cut down to a whole number of pixels, as torchvision
    does.

    Args:
        size: Length of the shorter side in pixels.
        interpolation: One of Pillow's filters.
    """

    def __init__(self, size: int, interpolation: str = 'bicubic') -> None:
        if interpolation not in INTERPOLATIONS:
            raise ValueError(f'interpolation must be one of {INTERPOLATIONS}, '
                             f'got {interpolation!r}.')
        self.size, self.interpolation = _check_size(size), interpolation

    def apply(self, image: np.ndarray,
              rng: np.random.Generator) -> np.ndarray:
        height, width = image.shape[:2]
        shorter = min(height, width)
        height = int(self.size * height / shorter)
        width = int(self.size * width / shorter)
        return mmcv.imresize(image, (width, height), backend='pillow',
                             interpolation=self.interpolation)


@TRANSFORMS.register_module()
class CenterCrop(Transform):
    """Cut the central square; half pixels go where torchvision puts them.

    Args:
        size: Side of the square in pixels.
    """

    def __init__(self, size: int) -> None:
        self.size = _check_size(size)

    def apply(self, image: np.ndarray,
              rng: np.random.Generator) -> np.ndarray:
        height, width = image.shape[:2]
        # Python rounds halves to even: part of the published result.
        top = round((height - self.size) / 2)
        left = round((width - self.size) / 2)
        return crop(image, top, left, self.size)


@TRANSFORMS.register_module()
class RandomCrop(Transform):
    """Cut a square at a random place, all places equally likely.

    Args:
        size: Side of the square in pixels.
    """
    is_random = True

    def __init__(self, size: int) -> None:
        self.size = _check_size(size)

    def apply(self, image: np.ndarray,
              rng: np.random.Generator) -> np.ndarray:
        height, width = image.shape[:2]
        top = int(rng.integers(max(height - self.size, 0) + 1))
        left = int(rng.integers(max(width - self.size, 0) + 1))
        return crop(image, top, left, self.size)


@TRANSFORMS.register_module()
class RandomFlip(Transform):
    """Mirror left and right.

    Args:
        prob: How often, in [0, 1].
    """
    is_random = True

    def __init__(self, prob: float = .5) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must be in [0, 1], got {prob}.')
        self.prob = prob

    def apply(self, image: np.ndarray,
              rng: np.random.Generator) -> np.ndarray:
        return image[:, ::-1] if rng.random() < self.prob else image


@TRANSFORMS.register_module()
class ADMCenterCrop(Transform):
    """Resize and cut the central square as ADM does (arXiv:2105.05233).

    Halve with a box filter while the shorter side is at least twice the
    size, resize the rest of the way with bicubic, and cut the centre. Made
    the published reference statistics of ImageNet; DiT trains on it.

    Args:
        size: Side of the square in pixels.
    """

    def __init__(self, size: int) -> None:
        self.size = _check_size(size)

    def apply(self, image: np.ndarray,
              rng: np.random.Generator) -> np.ndarray:
        height, width = image.shape[:2]
        while min(height, width) >= 2 * self.size:
            height, width = height // 2, width // 2
            image = mmcv.imresize(image, (width, height), backend='pillow',
                                  interpolation='box')
        scale = self.size / min(height, width)
        height, width = round(height * scale), round(width * scale)
        image = mmcv.imresize(image, (width, height), backend='pillow',
                              interpolation='bicubic')
        return crop(image, (height - self.size) // 2,
                    (width - self.size) // 2, self.size)
