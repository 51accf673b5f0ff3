"""Mean and covariance of a stream of features, from exact sums."""
import math

import torch
from torch import Tensor

_BITS = 24  # features are rounded to multiples of 2^-_BITS, small ones finer
_STEP = 12  # bits between the resolutions
_RANGE = 2048
_WORD = 2.**40  # sums are high * _WORD + low
_BLOCK = 1024  # rows per matrix product: with few, it waits for memory


class Moments:
    """Sums of features (D,) and of their outer products, without rounding.

    Features are rounded to multiples of 2^-24, so they become integers;
    float32 features above .5 do not change at all. Samples whose features
    are all below .5 are rounded to finer multiples. The products are summed
    in pieces that float64 holds exactly. So the result is the same, bit for
    bit, in whatever order and on however many processes the samples come.
    Nothing but the sums and one block of rows is kept.

    Args:
        dim: D.
        device: Where the sums are.
    """

    def __init__(self, dim: int, device: torch.device | str = 'cpu') -> None:
        # Of products of (feature, 1): the last row holds sums and count.
        self._sums = torch.zeros((1, 2, dim + 1, dim + 1), device=device,
                                 dtype=torch.float64)
        # Rows that count but are not summed yet: a full block takes one
        # efficient matrix product.
        self._block: list[Tensor] = []

    @classmethod
    def from_sums(cls, sums: Tensor) -> 'Moments':
        """Moments that go on from the ``sums`` of others, in place."""
        moments = cls(0, sums.device)
        moments._sums = sums
        return moments

    @classmethod
    def of(cls, rows: Tensor) -> 'Moments':
        """Moments of all rows (N, D) of a set.

        Raises:
            ValueError: See :meth:`add`.
        """
        moments = cls(rows.shape[1], rows.device)
        moments.add(rows)
        return moments

    @property
    def sums(self) -> Tensor:
        """(L, 2, D + 1, D + 1): high and low words by resolution."""
        self._sum_block()
        return self._sums

    @property
    def count(self) -> int:
        """Number of samples so far."""
        high, low = self.sums[..., -1, -1].sum(0).tolist()
        return int(high * _WORD + low)

    def add(self, features: Tensor) -> None:
        """Add samples (N, D).

        Raises:
            ValueError: A feature is not between -2048 and 2048.
        """
        features = features.detach().to(self._sums.device)
        if not (features.abs() < _RANGE).all():  # catches NaN as well
            raise ValueError(
                'features must be finite and between -2048 and 2048, got '
                f'values from {features.min().item():.4g} to '
                f'{features.max().item():.4g}: NaN means that the images or '
                'the extractor are broken; scale features that are larger.')
        for rows in features.split(_BLOCK):
            self._block.append(rows)
            if sum(map(len, self._block)) >= _BLOCK:
                self._sum_block()

    def _sum_block(self) -> None:
        """Sum the products of the block, fewer than 2 * _BLOCK rows."""
        if not self._block:
            return
        rows, self._block = torch.cat(self._block).double(), []
        exponents = torch.frexp(rows.abs().amax(1))[1]
        levels = (-exponents + _STEP - 1).clamp(min=0) // _STEP
        rows = torch.cat([rows, torch.ones_like(rows[:, :1])], 1)
        for level in levels.unique().tolist():
            self._widen(level + 1)
            self._add_level(rows[levels == level], level)

    def _add_level(self, rows: Tensor, level: int) -> None:
        # One factor is cut into pieces of so few bits that no sum of products
        # needs more than the 53 that float64 has.
        rows[:, :-1] *= 2.**(_BITS + _STEP * level)
        rest, (high, low) = rows.round_().clone(), self._sums[level]
        bits = math.frexp(rows.abs().max().item())[1]
        free = 53 - bits - (len(rows) - 1).bit_length()
        for shift in reversed(range(0, bits, free)):
            piece = (rest * 2.**-shift).trunc_()
            rest.sub_(piece, alpha=2.**shift)
            products = rows.T @ piece.mul_(2.**shift)
            _carry(high, products)
            low += products
        _carry(high, low)

    def _widen(self, num_levels: int) -> None:
        more = num_levels - len(self._sums)
        if more > 0:
            zeros = self._sums.new_zeros(more, *self._sums.shape[1:])
            self._sums = torch.cat([self._sums, zeros])

    def merge(self, sums: Tensor) -> None:
        """Add the sums of other samples."""
        self._sum_block()
        self._widen(len(sums))
        self._sums[:len(sums)] += sums

    def mean_and_covariance(self) -> tuple[Tensor, Tensor]:
        """Mean (D,) and unbiased covariance (D, D): float64, on the CPU.

        Raises:
            ValueError: There are fewer than 2 samples.
        """
        n = self.count
        if n < 2:
            raise ValueError('a covariance needs at least 2 samples, got '
                             f'{n}: evaluate on more images.')
        mean = square = 0
        for level, (high, low) in enumerate(self.sums.cpu()):
            _carry(high, low)  # now the words of a sum are the only ones
            total, unit = high * _WORD + low, 2.**-(_BITS + _STEP * level)
            mean = mean + total[-1, :-1] * unit / n
            square = square + total[:-1, :-1] * unit**2
        return mean, (square - n * torch.outer(mean, mean)) / (n - 1)


def _carry(high: Tensor, low: Tensor) -> None:
    """Leave 0 <= low < _WORD, exactly."""
    carried = (low / _WORD).floor_()
    high += carried
    low.sub_(carried, alpha=_WORD)
