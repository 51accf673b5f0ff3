"""Mean and covariance of a stream of features, exact sums."""
import math

import torch
from mmengine.dist import all_reduce
from torch import Tensor

_SCALE = 2.**24  # features are rounded to multiples of its inverse
_RANGE = 2048
_WORD = 2.**40  # sums are high * _WORD + low
_BLOCK = 1024  # rows per matrix product: with few, it waits for memory


class Moments:
    """Sums of features and of their outer products, without rounding.

    Features are rounded to multiples of 2^-24, so they become integers (and
    float32 features above .5 do not change at all). Their products are summed
    in pieces that float64 holds exactly. So the result is the same, bit for
    bit, in whatever order and on however many processes the samples come,
    though nothing but the sums (and a block of rows) is kept.

    Args:
        dim: Length D of a feature.
        device: Where to sum.
    """

    def __init__(self, dim: int, device: torch.device | str = 'cpu') -> None:
        self.dim = dim
        # Of products of (feature, 1): the last row holds sums and count.
        self._sums = torch.zeros((2, dim + 1, dim + 1), dtype=torch.float64,
                                 device=device)
        self._rows = []

    @property
    def sums(self) -> Tensor:
        """(2, D + 1, D + 1): high and low words; those of two sets add up."""
        self._add_rows()
        return self._sums

    @property
    def count(self) -> int:
        """Number of samples so far."""
        return int(self.sums[0, -1, -1] * _WORD + self._sums[1, -1, -1])

    def add(self, features: Tensor) -> None:
        """Add samples.

        Args:
            features (N, D): Finite, between -2048 and 2048.

        Raises:
            ValueError: A feature is NaN, infinite or out of range.
        """
        features = features.detach()
        if not (features.abs() < _RANGE).all():  # catches NaN as well
            raise ValueError(
                'features must be finite and between -2048 and 2048, got '
                f'values from {features.min().item():.4g} to '
                f'{features.max().item():.4g}: NaN means that the images or '
                'the extractor are broken; scale features that are larger.')
        for rows in features.split(_BLOCK):
            self._rows.append(rows)
            if sum(map(len, self._rows)) >= _BLOCK:
                self._add_rows()

    def _add_rows(self) -> None:
        """Sum the products of the rows that wait, fewer than 2 * _BLOCK.

        One factor is cut into pieces of so few bits that no sum of products
        needs more than the 53 that float64 has.
        """
        if not self._rows:
            return
        rows = (torch.cat(self._rows).double() * _SCALE).round_()
        self._rows = []
        rows = torch.cat([rows, torch.ones_like(rows[:, :1])], 1)
        bits = math.frexp(rows.abs().max().item())[1]
        free = 53 - bits - (len(rows) - 1).bit_length()
        rest, (high, low) = rows.clone(), self._sums
        for shift in reversed(range(0, bits, free)):
            piece = (rest * 2.**-shift).trunc_()
            rest.sub_(piece, alpha=2.**shift)
            products = rows.T @ piece.mul_(2.**shift)
            _carry(high, products)
            low += products
        _carry(high, low)

    def all_reduce(self) -> None:
        """Add up the sums of all processes, on all of them."""
        all_reduce(self.sums)

    def mean_and_covariance(self) -> tuple[Tensor, Tensor]:
        """Mean (D,) and unbiased covariance (D, D), float64.

        Raises:
            ValueError: There are fewer than two samples.
        """
        n, (high, low) = self.count, self.sums
        if n < 2:
            raise ValueError('a covariance needs at least 2 samples, got '
                             f'{n}: evaluate on more images.')
        _carry(high, low)  # now the words of a sum are the only ones
        total = (high * _WORD + low) / _SCALE**2
        mean = total[-1, :-1] * _SCALE / n
        covariance = (total[:-1, :-1] - n * torch.outer(mean, mean)) / (n - 1)
        return mean, covariance


def _carry(high: Tensor, low: Tensor) -> None:
    """Leave 0 <= low < _WORD, exactly."""
    carried = (low / _WORD).floor_()
    high += carried
    low.sub_(carried, alpha=_WORD)
