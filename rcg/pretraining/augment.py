"""Random geometric augmentation of batches, on the device.

A transform maps images (N, 3, H, W) in [0, 1] and a :class:`SampleRng` to
images. Each image draws its parameters from its own stream, so they do not
depend on the batch. Color transforms are in ``augment_color.py``.
"""
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from rcg.registry import MODELS
from rcg.rng import SampleRng

Range = tuple[float, float]


def uniform(rng: SampleRng, low: float, high: float, *shape: int) -> Tensor:
    """(N, *shape) uniform in (low, high)."""
    return low + (high - low) * rng.uniform(*shape)


class Augmentation:
    """Applies transforms one after the other to images in [-1, 1].

    Args:
        transforms: Configs of registered transforms.
    """

    def __init__(self, transforms: Sequence[dict]) -> None:
        self.transforms = [MODELS.build(cfg) for cfg in transforms]

    def __call__(self, images: Tensor, rng: SampleRng) -> Tensor:
        """(N, 3, H, W) -> (N, 3, h, w), both in [-1, 1]."""
        x = (images + 1) / 2
        for transform in self.transforms:
            x = transform(x, rng)
        return x.clamp(0, 1) * 2 - 1


class RandomTransform:
    """Base of transforms that apply to each image with a probability.

    Args:
        prob: Probability in [0, 1] that an image is transformed.

    Raises:
        ValueError: ``prob`` is out of range.
    """

    def __init__(self, prob: float = 1.) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must be in [0, 1], got {prob}.')
        self.prob = prob

    def apply(self, x: Tensor, rng: SampleRng) -> Tensor:
        """Transform all images; (N, 3, H, W) -> the same."""
        raise NotImplementedError

    def __call__(self, x: Tensor, rng: SampleRng) -> Tensor:
        if self.prob == 1:
            return self.apply(x, rng)
        chosen = rng.uniform(1, 1, 1) < self.prob
        return torch.where(chosen, self.apply(x, rng), x)


@MODELS.register_module()
class RandomAffine(RandomTransform):
    """Rotate, scale, shear and shift about the center.

    What comes from outside of the image is black.

    Args:
        degrees: Largest rotation in either direction.
        scale: Range of the magnification, log-uniform.
        shear: Largest horizontal shear in either direction, as a slope.
        translate: Largest shift in either direction, as a fraction of the
            image's side.
        prob: See :class:`RandomTransform`.
    """

    def __init__(self, degrees: float = 0., scale: Range = (1., 1.),
                 shear: float = 0., translate: float = 0.,
                 prob: float = 1.) -> None:
        super().__init__(prob)
        self.degrees, self.scale = degrees, scale
        self.shear, self.translate = shear, translate

    def apply(self, x: Tensor, rng: SampleRng) -> Tensor:
        u = rng.uniform(5) * 2 - 1
        angle = u[:, 0] * math.radians(self.degrees)
        low, high = (math.log(s) for s in self.scale)
        zoom = ((low - high) * u[:, 1] / 2 - (low + high) / 2).exp()
        slope = u[:, 2] * self.shear
        cos, sin = zoom * angle.cos(), zoom * angle.sin()
        # The map from output to input pixels: shear, then rotation and
        # 1 / scale. Coordinates run from -1 to 1 on both axes, hence the
        # ratio of the sides.
        ratio = x.shape[-2] / x.shape[-1]
        shift = 2 * self.translate * u[:, 3:]
        theta = torch.stack([
            cos, (cos * slope - sin) * ratio, shift[:, 0],
            sin / ratio, sin * slope + cos, shift[:, 1],
        ], 1).view(-1, 2, 3)
        grid = F.affine_grid(theta, list(x.shape), align_corners=False)
        return F.grid_sample(x, grid, align_corners=False)


@MODELS.register_module()
class RandomResizedCrop:
    """Crop a rectangle of random area and aspect ratio and resize it.

    A rectangle that exceeds the image is narrowed (torchvision draws another
    one). Resizing is bilinear without antialiasing, so images should not be
    much larger than ``size``.

    Args:
        size: Side of the result. None keeps height and width of the images.
        scale: Range of the area, as a fraction of the image's.
        ratio: Range of width over height, log-uniform.
    """

    def __init__(self, size: int | None = None, scale: Range = (.08, 1.),
                 ratio: Range = (3 / 4, 4 / 3)) -> None:
        self.size, self.scale, self.ratio = size, scale, ratio

    def __call__(self, x: Tensor, rng: SampleRng) -> Tensor:
        n, channels, height, width = x.shape
        area = uniform(rng, *self.scale, 1) * height * width
        low, high = (math.log(r) for r in self.ratio)
        ratio = uniform(rng, low, high, 1).exp()
        sides = torch.cat([(area * ratio).sqrt() / width,
                           (area / ratio).sqrt() / height], 1).clamp(max=1)
        center = (1 - sides) * (2 * rng.uniform(2) - 1)
        theta = torch.cat([torch.diag_embed(sides), center[:, :, None]], 2)
        out = (self.size or height, self.size or width)
        grid = F.affine_grid(theta, [n, channels, *out], align_corners=False)
        return F.grid_sample(x, grid, padding_mode='border',
                             align_corners=False)


@MODELS.register_module()
class RandomFlip(RandomTransform):
    """Flip horizontally."""

    def __init__(self, prob: float = .5) -> None:
        super().__init__(prob)

    def apply(self, x: Tensor, rng: SampleRng) -> Tensor:
        return x.flip(-1)


@MODELS.register_module()
class Cutout(RandomTransform):
    """Blacken a square (arXiv:1708.04552), which may exceed the image.

    Args:
        size: Range of its side, as a fraction of the image's sides.
        prob: See :class:`RandomTransform`.
    """

    def __init__(self, size: Range = (.2, .4), prob: float = 1.) -> None:
        super().__init__(prob)
        self.size = size

    def apply(self, x: Tensor, rng: SampleRng) -> Tensor:
        half = uniform(rng, *self.size, 1) / 2
        center = rng.uniform(2)
        inside = []
        for axis in range(2):  # rows, columns
            length = x.shape[2 + axis]
            at = (torch.arange(length, device=x.device) + .5) / length
            inside.append((at - center[:, axis:axis + 1]).abs() < half)
        hole = inside[0][:, None, :, None] & inside[1][:, None, None]
        return x.masked_fill(hole, 0)
