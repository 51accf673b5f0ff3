"""Structural similarity of images."""
import torch
from torch import Tensor

_WINDOW, _SIGMA = 11, 1.5
_K1, _K2, _RANGE = .01, .03, 255


def structural_similarity(images: Tensor, originals: Tensor) -> Tensor:
    """SSIM of each pair of images, Wang et al. 2004 (TIP 13(4)), eq. 13.

    As in the authors' code, the window is a Gaussian of 11x11 pixels with
    sigma 1.5, wherever it lies wholly inside the image; variances are
    weighted means, without Bessel's correction; nothing is downsampled
    before. The result is the mean over places and over the three channels;
    the paper itself looks at luminance alone.

    Args:
        images (N, 3, H, W): uint8.
        originals (N, 3, H, W): uint8.

    Returns:
        (N,): In [-1, 1], float64; 1 for equal images.

    Raises:
        ValueError: An image has fewer than 11 pixels along a side.
    """
    if min(images.shape[2:]) < _WINDOW:
        raise ValueError(
            f'SSIM looks at windows of {_WINDOW}x{_WINDOW} pixels; the images '
            f'have {images.shape[2]}x{images.shape[3]}: make them larger, or '
            'measure PSNR alone.')
    x, y = images.double(), originals.double()
    mean_x, mean_y = _blur(x), _blur(y)
    var_x = _blur(x * x) - mean_x**2
    var_y = _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    c1, c2 = (_K1 * _RANGE)**2, (_K2 * _RANGE)**2
    similarity = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2) /
                  ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)))
    return similarity.mean((1, 2, 3))


def _blur(x: Tensor) -> Tensor:
    """Gaussian means (N, 3, H - 10, W - 10) of (N, 3, H, W)."""
    offsets = torch.arange(_WINDOW, dtype=torch.float64) - _WINDOW // 2
    weights = (-offsets**2 / (2 * _SIGMA**2)).exp()
    weights = (weights / weights.sum()).tolist()
    for axis in (2, 3):
        size = x.shape[axis] - _WINDOW + 1
        x = sum(w * x.narrow(axis, i, size) for i, w in enumerate(weights))
    return x
