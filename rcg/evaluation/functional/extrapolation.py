"""The Frechet distance of infinitely many samples, estimated from few."""
import torch
from torch import Tensor

from rcg.evaluation.functional.distances import frechet_distance
from rcg.evaluation.functional.moments import Moments

_SIZES = 6  # sizes of subsets, from half of the rows to all of them
_DRAWS = 8  # subsets of each size


def frechet_infinity(fake: Tensor, real: Tensor, seed: int = 2020) -> float:
    """Frechet distance, extrapolated to infinitely many samples.

    The distance of two finite sets is too large: its expectation is that of
    the distributions and a term that falls as 1 / N (arXiv:1911.07023).
    That paper extrapolates the generated images alone, which can be as many
    as one likes. With few real images their own term is the larger one, so
    both sets are made smaller here, by one factor f, and a line through the
    distances by 1 / f gives the value at 1 / f = 0.

    A term in 1 / N^2 is left, which makes the estimate too small. Measured
    with two Gaussians in 32 dimensions whose distance is 0.4, 2,000 generated
    and 400 real rows: 1.42 plain, 0.32 to 0.47 extrapolated. With 100 real
    rows -0.18 to 0.19, hence the least number of rows.

    Args:
        fake (N, D): Features of generated images.
        real (M, D): Features of real images.
        seed: Of the choice of the subsets.

    Returns:
        The estimate. Of equal distributions it is now and then below 0.

    Raises:
        ValueError: A set has fewer than ``8 * D`` rows, or a feature is not
            between -2048 and 2048.
    """
    _check(fake, real)
    rng = torch.Generator().manual_seed(seed)
    distances = []  # (1 / f, distance)
    for inverse in torch.linspace(1, 2, _SIZES).tolist():
        # All rows can be drawn in one way only.
        for _ in range(_DRAWS if inverse > 1 else 1):
            ours, theirs = (
                Moments.of(_part(rows, inverse, rng)).mean_and_covariance()
                for rows in (fake, real))
            distances.append((inverse, frechet_distance(*ours, *theirs)))
    return _at_zero(torch.tensor(distances, dtype=torch.float64))


def least_rows(dim: int) -> int:
    """How many rows of ``dim`` features an extrapolation needs."""
    return 8 * dim


def _check(fake: Tensor, real: Tensor) -> None:
    least = least_rows(fake.shape[1])
    if min(len(fake), len(real)) < least:
        raise ValueError(
            f'extrapolating a Frechet distance of {fake.shape[1]} features '
            f'needs at least {least} rows of each set, got {len(fake)} '
            f'generated and {len(real)} real: use more images, features with '
            'fewer dimensions, or the plain distance.')


def _part(rows: Tensor, inverse: float, rng: torch.Generator) -> Tensor:
    """A random ``1 / inverse`` of the rows."""
    size = round(len(rows) / inverse)
    chosen = torch.randperm(len(rows), generator=rng)[:size]
    return rows[chosen.to(rows.device)]


def _at_zero(points: Tensor) -> float:
    """Value at x = 0 of a line through (x, y), each x of equal weight."""
    x, y = points.unbind(1)
    # All rows have one distance, which counts as much as the draws of
    # another size together.
    weights = torch.where(x == 1, float(_DRAWS), 1.).sqrt()
    line = torch.stack([torch.ones_like(x), x], 1) * weights[:, None]
    return torch.linalg.lstsq(line, y * weights).solution[0].item()
