"""Mean and covariance of a stream of features, exact sums."""
import torch
from mmengine.dist import all_reduce
from torch import Tensor

_RESOLUTION = 2.**-20  # features are rounded to a multiple of this
_HALF = 2**16


class Moments:
    """Sums of features and of their outer products, without rounding.

    Features are rounded to multiples of 2^-20 (the distance of neighboring
    float32 numbers near 8) and written as two integers of 16 bits, whose
    sums and products float64 holds exactly up to 8 million samples. So the
    result is the same, bit for bit, in whatever order and on however many
    processes the samples come, though nothing but the sums is kept.

    Args:
        dim: Length D of a feature.
        device: Where to sum.
    """

    def __init__(self, dim: int, device: torch.device | str = 'cpu') -> None:
        # The count, sums of the high and low parts, and of their products.
        shapes = (1,), (dim,), (dim,), (dim, dim), (dim, dim), (dim, dim)
        self.sums = [
            torch.zeros(shape, dtype=torch.float64, device=device)
            for shape in shapes
        ]

    @property
    def count(self) -> int:
        """Number of samples so far."""
        return int(self.sums[0])

    def add(self, features: Tensor) -> None:
        """Add samples.

        Args:
            features (N, D): Finite, between -2048 and 2048.

        Raises:
            ValueError: A feature is NaN, infinite or out of range.
        """
        rows = features.detach().double().div(_RESOLUTION).round_()
        if not (rows.abs() < _HALF * _HALF / 2).all():  # catches NaN as well
            raise ValueError(
                'features must be finite and between -2048 and 2048, got '
                f'values from {features.min().item():.4g} to '
                f'{features.max().item():.4g}: NaN means that the images or '
                'the extractor are broken; scale features that are larger.')
        high = (rows / _HALF).round_()
        low = rows - high * _HALF
        for total, value in zip(self.sums, (
                len(rows), high.sum(0), low.sum(0), high.T @ high,
                high.T @ low, low.T @ low), strict=True):
            total += value

    def all_reduce(self) -> None:
        """Add up the sums of all processes, on all of them."""
        for total in self.sums:
            all_reduce(total)

    def mean_and_covariance(self) -> tuple[Tensor, Tensor]:
        """Mean (D,) and unbiased covariance (D, D), float64.

        Raises:
            ValueError: There are fewer than two samples.
        """
        if self.count < 2:
            raise ValueError('a covariance needs at least 2 samples, got '
                             f'{self.count}: evaluate on more images.')
        n, high, low, high2, cross, low2 = self.sums
        mean = (high * _HALF + low) / n
        square = high2 * _HALF**2 + (cross + cross.T) * _HALF + low2
        covariance = (square - n * torch.outer(mean, mean)) / (n - 1)
        return mean * _RESOLUTION, covariance * _RESOLUTION**2
