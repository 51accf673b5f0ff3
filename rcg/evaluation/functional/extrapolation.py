"""The Frechet distance of infinitely many samples, estimated from few."""
from collections.abc import Iterator
from itertools import product

import torch
from torch import Tensor

from rcg.evaluation.functional.distances import frechet_distance
from rcg.evaluation.functional.moments import Moments

_SPLITS = 10  # of each set into halves


def frechet_infinity(fake: Tensor, real: Tensor, seed: int = 2020) -> float:
    """Frechet distance, extrapolated to infinitely many samples.

    The distance of two finite sets is too large: its expectation is that of
    the distributions and a term that falls as 1 / N (arXiv:1911.07023).
    That paper extrapolates the generated images alone, which can be as many
    as one likes. With few real images their own term is the larger one, so
    both sets are halved here, which doubles the term. What the halves have
    more than the whole sets is subtracted.

    Sets are split at random, and each half of one is compared with both of
    the other. So every row counts equally often, which leaves little chance:
    see tests/test_evaluation/test_functional/test_extrapolation.py. The real
    images are split alike for all models.

    Args:
        fake (N, D): Features of generated images.
        real (M, D): Features of real images.
        seed: Of the splits.

    Returns:
        The estimate. Of equal distributions it is now and then below 0.

    Raises:
        ValueError: A set has fewer than ``8 * D`` rows, or a feature is not
            between -2048 and 2048.
    """
    _check(fake, real)
    # One stream for each set: the splits of one do not depend on the size of
    # the other.
    ours, theirs = (_halves(rows, seed + i)
                    for i, rows in enumerate((fake, real)))
    halved = [frechet_distance(*a, *b)
              for halves in zip(ours, theirs, strict=True)
              for a, b in product(*halves)]
    whole = frechet_distance(*_moments(fake), *_moments(real))
    return 2 * whole - sum(halved) / len(halved)


def least_rows(dim: int) -> int:
    """How many rows of ``dim`` features an extrapolation needs.

    Fewer give too small a value. Two Gaussians in 32 dimensions whose distance
    is 0.4, 2,000 generated rows, 12 pairs of sets: 0.40 ± 0.07 with 400 real
    rows, 0.38 ± 0.10 with 256, 0.13 ± 0.22 with 100.
    """
    return 8 * dim


def _check(fake: Tensor, real: Tensor) -> None:
    least = least_rows(fake.shape[1])
    if min(len(fake), len(real)) < least:
        raise ValueError(
            f'extrapolating a Frechet distance of {fake.shape[1]} features '
            f'needs at least {least} rows of each set, got {len(fake)} '
            f'generated and {len(real)} real: use more images, features with '
            'fewer dimensions, or the plain distance.')


def _moments(rows: Tensor) -> tuple[Tensor, Tensor]:
    return Moments.of(rows).mean_and_covariance()


def _halves(rows: Tensor,
            seed: int) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Moments of both halves of the rows, for each split.

    Of an odd number of rows, one is left out.
    """
    rng = torch.Generator().manual_seed(seed)
    for _ in range(_SPLITS):
        halves = torch.randperm(len(rows), generator=rng).to(rows.device)
        yield [_moments(rows[chosen])
               for chosen in halves.split(len(rows) // 2)[:2]]
