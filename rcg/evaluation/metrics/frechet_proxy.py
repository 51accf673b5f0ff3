"""Frechet distance of few samples, with an interval."""
import torch
from torch import Tensor

from rcg.evaluation.functional.distances import (
    frechet_distance,
    frechet_influence,
)
from rcg.evaluation.functional.moments import Moments
from rcg.evaluation.metrics.feature_metric import FeatureMetric
from rcg.registry import METRICS

_NUM_DRAWS = 1000  # of the bootstrap


@METRICS.register_module()
class FrechetProxy(FeatureMetric):
    """Frechet distance to as many real images, with an interval.

    The distance grows as samples become fewer, on both sides. So the samples
    are compared with a fixed random choice of as many real images, and only
    proxies of one size are comparable.

    95 % of the scores of other seeds should lie inside the interval
    (``_low``, ``_high``), for this model and these real images. It is a
    bootstrap of the distance's linear part. (To draw the rows anew and
    measure again would add the bias of repeated rows, which is many times
    wider than the interval.)

    Args:
        extractor, reference, prefix: See :class:`FeatureMetric`.
        name: Of the distance; the bounds add ``_low`` and ``_high``.

    Raises:
        ValueError: There are fewer real images than samples.
    """

    def __init__(self, extractor: dict, reference: dict | str,
                 name: str = 'fd', prefix: str | None = 'proxy') -> None:
        super().__init__(extractor, reference, prefix)
        self.name = name
        self.reports = (name, f'{name}_low', f'{name}_high')

    def compare(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        size = len(fake)
        if len(real) < size:
            raise ValueError(
                f'a proxy of {size} samples needs as many real images, got '
                f'{len(real)}: lower num_images of the seeds, or use '
                'FrechetDistance.')
        rng = torch.Generator().manual_seed(2020)
        order = torch.randperm(len(real), generator=rng)[:size]
        ours, theirs = (Moments.of(rows).mean_and_covariance()
                        for rows in (fake, real[order.to(real.device)]))
        value = frechet_distance(*ours, *theirs)
        draws = torch.randint(size, (_NUM_DRAWS, size), generator=rng)
        changes = frechet_influence(fake, *theirs)[draws].mean(1)
        low, high = changes.quantile(changes.new_tensor([.025, .975])).tolist()
        return {self.name: value, f'{self.name}_low': max(value + low, 0.),
                f'{self.name}_high': value + high}
