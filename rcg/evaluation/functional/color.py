"""Colors of images: which there are, and which come back.

Hues are those of HSV, in twelve bins of 30 degrees. A pixel has a hue if it is
saturated: its largest and smallest channel differ by ``SATURATED`` or more.
"""
import torch
from torch import Tensor

HUES = ('red', 'orange', 'yellow', 'lime', 'green', 'mint', 'cyan', 'azure',
        'blue', 'violet', 'magenta', 'pink')
SATURATED = 64  # of 255
LEVELS = 8  # of each channel in a histogram
# sRGB (linear) to CIE XYZ over the white point D65, IEC 61966-2-1.
_TO_XYZ = ((.4124564, .3575761, .1804375), (.2126729, .7151522, .0721750),
           (.0193339, .1191920, .9503041))
_WHITE = (.95047, 1., 1.08883)


def hue_bins(images: Tensor) -> Tensor:
    """The hue of each pixel of (N, 3, H, W) uint8.

    Returns:
        (N, H, W): Index in ``HUES``; -1 if the pixel is not saturated.
    """
    high, which = images.max(1)
    low = images.amin(1)
    chroma = high.float() - low.float()
    red, green, blue = images.float().unbind(1)
    # In sixths of the circle; which: 0 red, 1 green, 2 blue.
    sixth = torch.stack([green - blue, blue - red, red - green], 1).gather(
        1, which[:, None])[:, 0] / chroma.clamp(min=1) + 2 * which
    bins = (2 * sixth).round().long() % len(HUES)
    return torch.where(chroma >= SATURATED, bins, -1)


def kept_hues(originals: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
    """How many saturated pixels of each hue there are, and keep it.

    A pixel keeps its hue if its reconstruction is saturated and has the same
    hue or one beside it.

    Args:
        originals (N, 3, H, W): uint8.
        images (N, 3, H, W): Their reconstructions.

    Returns:
        (N, 12) each: pixels of every hue, and how many of them keep it.
    """
    before, after = hue_bins(originals), hue_bins(images)
    steps = (after - before) % len(HUES)
    kept = (after >= 0) & ((steps <= 1) | (steps == len(HUES) - 1))
    of_hue = torch.nn.functional.one_hot(
        before.flatten(1) + 1, len(HUES) + 1)[..., 1:]  # (N, H W, 12)
    return of_hue.sum(1), (of_hue * kept.flatten(1)[..., None]).sum(1)


def to_lab(images: Tensor) -> Tensor:
    """sRGB (N, 3, H, W) uint8 to CIELAB (N, 3, H, W) under D65."""
    x = images.float() / 255
    linear = torch.where(x <= .04045, x / 12.92, ((x + .055) / 1.055)**2.4)
    matrix = torch.tensor(_TO_XYZ, device=x.device)
    xyz = torch.einsum('ij,njhw->nihw', matrix, linear)
    xyz = xyz / torch.tensor(_WHITE, device=x.device).view(3, 1, 1)
    f = torch.where(xyz > (6 / 29)**3, xyz.clamp(min=1e-9)**(1 / 3),
                    xyz / (3 * (6 / 29)**2) + 4 / 29)
    fx, fy, fz = f.unbind(1)
    return torch.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], 1)


def color_errors(originals: Tensor, images: Tensor) -> Tensor:
    """Mean distance in a* and b* of CIELAB, without lightness, (N,).

    About 2 is just visible; red and green are 150 apart.
    """
    difference = to_lab(originals)[:, 1:] - to_lab(images)[:, 1:]
    return difference.norm(dim=1).mean((1, 2))


def color_counts(images: Tensor) -> Tensor:
    """Pixels of each image in 8 x 8 x 8 cells of RGB, (N, 512) int64."""
    red, green, blue = (images.long() * LEVELS // 256).unbind(1)
    cells = ((red * LEVELS + green) * LEVELS + blue).flatten(1)  # (N, H W)
    counts = cells.new_zeros(len(images), LEVELS**3)
    return counts.scatter_add_(1, cells, torch.ones_like(cells))


def color_histogram(images: Tensor) -> Tensor:
    """Share of the pixels of all images in each cell, (512,) float64."""
    counts = color_counts(images).sum(0).double()
    return counts / counts.sum()


def histogram_distance(first: Tensor, second: Tensor) -> float:
    """Total variation of two histograms, in [0, 1].

    It is the share of pixels that must change their color.
    """
    return (first - second).abs().sum().item() / 2
