"""Metrics that compare all features with those of real images."""
from abc import abstractmethod
from collections.abc import Sequence

from torch import Tensor

from rcg.evaluation.extractors.extractor import shared_extractor
from rcg.evaluation.functional.distances import kernel_distance
from rcg.evaluation.functional.neighbors import (
    density_coverage,
    precision_recall,
)
from rcg.evaluation.metrics.row_metric import RowMetric
from rcg.evaluation.references.build import build_reference
from rcg.registry import METRICS


class FeatureMetric(RowMetric):
    """Base of comparisons of all features with those of a reference.

    Args:
        extractor: Config; see :func:`shared_extractor`.
        reference: See :func:`build_reference`.
        prefix: Before the names of the results.
    """

    def __init__(self, extractor: dict, reference: dict | str,
                 prefix: str | None = None) -> None:
        super().__init__(prefix)
        self.extractor = shared_extractor(extractor)
        self.reference = build_reference(reference, self.extractor, rows=True)

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        return self.extractor.of_samples(data_samples)['features']

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        real = self.reference.features(self.device)
        return self.compare(real.to(self.device), results.to(self.device))

    @abstractmethod
    def compare(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        """Results from all features: real (N, D) and generated (M, D)."""


@METRICS.register_module()
class PrecisionRecall(FeatureMetric):
    """:func:`precision_recall` against a reference, with k neighbors."""

    reports = ('precision', 'recall')

    def __init__(self, extractor: dict, reference: dict | str, k: int = 3,
                 prefix: str | None = None) -> None:
        super().__init__(extractor, reference, prefix)
        self.k = k

    def compare(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        precision, recall = precision_recall(real, fake, self.k)
        return {'precision': precision, 'recall': recall}


@METRICS.register_module()
class DensityCoverage(FeatureMetric):
    """:func:`density_coverage` against a reference, with k neighbors."""

    reports = ('density', 'coverage')

    def __init__(self, extractor: dict, reference: dict | str, k: int = 5,
                 prefix: str | None = None) -> None:
        super().__init__(extractor, reference, prefix)
        self.k = k

    def compare(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        density, coverage = density_coverage(real, fake, self.k)
        return {'density': density, 'coverage': coverage}


@METRICS.register_module()
class KernelDistance(FeatureMetric):
    """:func:`kernel_distance` to a reference; with Inception, the KID.

    Args:
        extractor, reference, prefix: See :class:`FeatureMetric`.
        num_subsets, subset_size, sigma: See :func:`kernel_distance`.
        name: Of the mean; that of the deviation ends in ``_std``.
    """

    def __init__(self, extractor: dict, reference: dict | str,
                 num_subsets: int = 100, subset_size: int = 1000,
                 sigma: float | None = None, name: str = 'kid',
                 prefix: str | None = None) -> None:
        super().__init__(extractor, reference, prefix)
        self.num_subsets, self.subset_size = num_subsets, subset_size
        self.sigma, self.name = sigma, name
        self.reports = (name, f'{name}_std')

    def compare(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        mean, std = kernel_distance(fake, real, self.num_subsets,
                                    self.subset_size, self.sigma)
        return {self.name: mean, f'{self.name}_std': std}
