"""Frechet distance of few samples, and how far to trust it."""
import torch
from torch import Tensor

from rcg.evaluation.feature_metrics import FeatureMetric
from rcg.evaluation.frechet import frechet_distance
from rcg.evaluation.moments import Moments
from rcg.registry import METRICS

_NUM_DRAWS = 1000  # of the bootstrap

def frechet_influence(rows: Tensor, mean: Tensor, cov: Tensor) -> Tensor:
    """Derivative of the Frechet distance by the weight of each row.

    With y = x - m1 of a row x it is 2 y (m1 - mean) + y (I - T) y, less its
    average, where T = C1^(-1/2) (C1^(1/2) cov C1^(1/2))^(1/2) C1^(-1/2) maps
    the rows' Gaussian to the reference's. Where C1 is singular (fewer rows
    than features), all rows lie in the space where it is not.

    Args:
        rows (N, D): Features of the samples.
        mean (D,), cov (D, D): Of the reference.

    Returns:
        (N,): Float64, zero on average.
    """
    rows, mean, cov = (part.double().cpu() for part in (rows, mean, cov))
    center = rows.mean(0)
    rows = rows - center
    values, vectors = torch.linalg.eigh(rows.T @ rows / (len(rows) - 1))
    kept = values > values.max() * len(values) * 2.**-52
    values, vectors = values[kept], vectors[:, kept]
    root = vectors * values.sqrt()
    inner, axes = torch.linalg.eigh(root.T @ cov @ root)
    moved = rows @ (vectors / values.sqrt()) @ axes
    influence = (2 * rows @ (center - mean) + rows.square().sum(1)
                 - moved.square() @ inner.clamp(min=0).sqrt())
    return influence - influence.mean()


@METRICS.register_module()
class FrechetProxy(FeatureMetric):
    """Frechet distance to as many real images, with an interval.

    The distance grows as samples become fewer, on both sides; so a fixed
    random choice of the reference, as large as the set of samples, is what
    it is compared with, and only proxies of one size are comparable.

    The interval is a bootstrap of the distance's linear part: drawing the
    rows anew and measuring again would add the bias of repeated rows, which
    is many times wider than the interval. 95 % of the scores of other seeds
    should lie inside, for this model and these real images.

    Args:
        extractor, reference, prefix: See :class:`FeatureMetric`.
        name: Of the result; ends of the interval are ``_low`` and ``_high``.
    """

    def __init__(self, extractor: dict, reference: dict | str,
                 name: str = 'fd', prefix: str | None = 'proxy') -> None:
        super().__init__(extractor, reference, prefix)
        self.name = name

    def compare(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        if len(real) < len(fake):
            raise ValueError(
                f'a proxy of {len(fake)} samples needs as many real images, '
                f'got {len(real)}: lower num_images of the seeds, or use '
                'FrechetDistance.')
        rng = torch.Generator().manual_seed(2020)
        order = torch.randperm(len(real), generator=rng)[:len(fake)]
        theirs = _moments(real[order.to(real.device)])
        value = frechet_distance(*_moments(fake), *theirs)
        influence = frechet_influence(fake, *theirs)
        draws = influence[torch.randint(
            len(fake), (_NUM_DRAWS, len(fake)), generator=rng)].mean(1)
        low, high = draws.quantile(draws.new_tensor([.025, .975])).tolist()
        return {self.name: value, f'{self.name}_low': max(value + low, 0.),
                f'{self.name}_high': value + high}


def _moments(rows: Tensor) -> tuple[Tensor, Tensor]:
    moments = Moments(rows.shape[1], rows.device)
    moments.add(rows)
    return moments.mean_and_covariance()
