"""Random color augmentation of batches; see ``augment.py``."""
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from rcg.pretraining.augment import RandomTransform, Range, uniform
from rcg.registry import MODELS
from rcg.rng import SampleRng


def luma(x: Tensor) -> Tensor:
    """Gray values (ITU-R BT.601); (N, 3, H, W) -> (N, 1, H, W)."""
    weights = x.new_tensor([.299, .587, .114]).view(1, 3, 1, 1)
    return (x * weights).sum(1, keepdim=True)


def shift_hue(x: Tensor, shift: Tensor) -> Tensor:
    """Shift the hue of HSV; value and saturation stay the same.

    Args:
        x (N, 3, H, W): In [0, 1].
        shift (N, 1, 1): In turns of the color circle.

    Returns:
        (N, 3, H, W): In [0, 1].
    """
    value, at = x.max(1)
    chroma = value - x.amin(1)
    red, green, blue = x.unbind(1)
    safe = chroma.clamp(min=1e-8)  # gray pixels have no hue
    sector = torch.stack([(green - blue) / safe, (blue - red) / safe + 2,
                          (red - green) / safe + 4], 1)
    hue = sector.gather(1, at[:, None])[:, 0] + 6 * shift  # sixths of a turn
    offsets = x.new_tensor([5., 3., 1.]).view(1, 3, 1, 1)
    k = (hue[:, None] + offsets) % 6
    ramp = torch.minimum(k, 4 - k).clamp(0, 1)
    return value[:, None] - chroma[:, None] * ramp


@MODELS.register_module()
class ColorJitter(RandomTransform):
    """Change brightness, contrast, saturation and hue, in this order.

    Factors have the distributions of torchvision's ColorJitter, whose order
    is random as well.

    Args:
        brightness: The factor is uniform in [max(0, 1 - brightness),
            1 + brightness].
        contrast: Likewise, relative to the mean gray value of the image.
        saturation: Likewise, relative to the gray value of each pixel.
        hue: Largest shift in either direction in turns, at most 0.5.
        prob: See :class:`RandomTransform`.
    """

    def __init__(self, brightness: float = 0., contrast: float = 0.,
                 saturation: float = 0., hue: float = 0.,
                 prob: float = 1.) -> None:
        super().__init__(prob)
        self.ranges = [(max(0., 1 - change), 1 + change)
                       for change in (brightness, contrast, saturation)]
        self.hue = hue

    def apply(self, x: Tensor, rng: SampleRng) -> Tensor:
        u = rng.uniform(4, 1, 1, 1)
        light, contrast, color = (
            low + (high - low) * u[:, i]
            for i, (low, high) in enumerate(self.ranges))
        x = (x * light).clamp(0, 1)
        gray = luma(x).mean((2, 3), keepdim=True)
        x = torch.lerp(gray, x, contrast).clamp(0, 1)
        x = torch.lerp(luma(x), x, color).clamp(0, 1)
        if not self.hue:
            return x
        return shift_hue(x, self.hue * (2 * u[:, 3, 0] - 1))


@MODELS.register_module()
class RandomGrayscale(RandomTransform):
    """Replace colors by gray values."""

    def __init__(self, prob: float = .2) -> None:
        super().__init__(prob)

    def apply(self, x: Tensor, rng: SampleRng) -> Tensor:
        return luma(x).expand_as(x)


@MODELS.register_module()
class Solarize(RandomTransform):
    """Invert all values that are at least ``threshold``."""

    def __init__(self, threshold: float = .5, prob: float = .2) -> None:
        super().__init__(prob)
        self.threshold = threshold

    def apply(self, x: Tensor, rng: SampleRng) -> Tensor:
        return torch.where(x < self.threshold, x, 1 - x)


@MODELS.register_module()
class GaussianBlur(RandomTransform):
    """Blur with a Gaussian kernel, cut off at three standard deviations.

    Args:
        sigma: Range of the standard deviation in pixels.
        prob: See :class:`RandomTransform`.
    """

    def __init__(self, sigma: Range = (.1, 2.), prob: float = 1.) -> None:
        super().__init__(prob)
        self.sigma = sigma

    def apply(self, x: Tensor, rng: SampleRng) -> Tensor:
        n, channels, height, width = x.shape
        sigma = uniform(rng, *self.sigma, 1)
        # Reflection needs a radius below the side of the image.
        radius = min(math.ceil(3 * self.sigma[1]), height - 1, width - 1)
        at = torch.arange(-radius, radius + 1, device=x.device)
        kernel = (-(at / sigma)**2 / 2).softmax(1)  # (N, 2 radius + 1)
        kernel = kernel.repeat_interleave(channels, 0)[:, None, None]
        # One group for each image and channel, since kernels differ.
        x = F.pad(x, [radius] * 4, 'reflect').flatten(0, 1)[None]
        x = F.conv2d(x, kernel, groups=n * channels)
        x = F.conv2d(x, kernel.transpose(2, 3), groups=n * channels)
        return x.view(n, channels, height, width)


@MODELS.register_module()
class RandomGamma(RandomTransform):
    """Raise all values to a power.

    Args:
        gamma: Range of the power, log-uniform.
        prob: See :class:`RandomTransform`.
    """

    def __init__(self, gamma: Range = (.7, 1.4), prob: float = 1.) -> None:
        super().__init__(prob)
        self.gamma = gamma

    def apply(self, x: Tensor, rng: SampleRng) -> Tensor:
        low, high = (math.log(g) for g in self.gamma)
        power = uniform(rng, low, high, 1, 1, 1).exp()
        return x.clamp(min=0).pow(power)


@MODELS.register_module()
class GaussianNoise(RandomTransform):
    """Add white noise, the same in all channels.

    Args:
        std: Range of its standard deviation.
        prob: See :class:`RandomTransform`.
    """

    def __init__(self, std: Range = (0., .1), prob: float = 1.) -> None:
        super().__init__(prob)
        self.std = std

    def apply(self, x: Tensor, rng: SampleRng) -> Tensor:
        std = uniform(rng, *self.std, 1, 1, 1)
        return x + std * rng.normal(1, *x.shape[2:])
