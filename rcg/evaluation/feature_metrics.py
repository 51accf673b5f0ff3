"""Metrics that need the features of all samples at once."""
from abc import abstractmethod
from collections.abc import Sequence

from torch import Tensor

from rcg.evaluation.density_coverage import density_coverage
from rcg.evaluation.features import shared_extractor
from rcg.evaluation.kernel_distance import kernel_distance
from rcg.evaluation.precision_recall import precision_recall
from rcg.evaluation.sample_metric import SampleMetric
from rcg.evaluation.statistics import build_reference
from rcg.registry import METRICS


class FeatureMetric(SampleMetric):
    """Base of comparisons of features with those of real images.

    Args:
        extractor: Config of a feature extractor, with ``checkpoint``.
        reference: See :func:`build_reference`.
        prefix: Stands before the names of the results, with a slash.
    """

    def __init__(self, extractor: dict, reference: dict | str,
                 prefix: str | None = None) -> None:
        super().__init__(prefix)
        self.extractor = shared_extractor(extractor)
        self.reference = build_reference(reference, self.extractor, rows=True)

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        return self.extractor.of_samples(data_samples)['features']

    def score(self, rows: Tensor) -> dict[str, float]:
        real = self.reference.features(self.device)
        return self.compare(real.to(self.device), rows.to(self.device))

    @abstractmethod
    def compare(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        """Results from all features, (N, D) and (M, D)."""


@METRICS.register_module()
class PrecisionRecall(FeatureMetric):
    """k-NN precision and recall against a dataset (arXiv:1904.06991).

    Args:
        extractor, reference, prefix: See :class:`FeatureMetric`.
        k: Neighbors; 3 in the paper.
    """

    def __init__(self, extractor: dict, reference: dict | str, k: int = 3,
                 prefix: str | None = None) -> None:
        super().__init__(extractor, reference, prefix)
        self.k = k

    def compare(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        names = 'precision', 'recall'
        return dict(zip(names, precision_recall(real, fake, self.k),
                        strict=True))


@METRICS.register_module()
class DensityCoverage(PrecisionRecall):
    """Density and coverage against a dataset (arXiv:2002.09797).

    Args:
        extractor, reference, prefix: See :class:`FeatureMetric`.
        k: Neighbors; 5 in the paper.
    """

    def __init__(self, extractor: dict, reference: dict | str, k: int = 5,
                 prefix: str | None = None) -> None:
        super().__init__(extractor, reference, k, prefix)

    def compare(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        names = 'density', 'coverage'
        return dict(zip(names, density_coverage(real, fake, self.k),
                        strict=True))


@METRICS.register_module()
class KernelDistance(FeatureMetric):
    """Kernel distance to a dataset; with Inception, KID (arXiv:1801.01401).

    Args:
        extractor, reference, prefix: See :class:`FeatureMetric`.
        num_subsets, subset_size, sigma: See :func:`kernel_distance`.
        name: Name of the result; another one ends in ``_std``.
    """

    def __init__(self, extractor: dict, reference: dict | str,
                 num_subsets: int = 100, subset_size: int = 1000,
                 sigma: float | None = None, name: str = 'kid',
                 prefix: str | None = None) -> None:
        super().__init__(extractor, reference, prefix)
        self.num_subsets, self.subset_size = num_subsets, subset_size
        self.sigma, self.name = sigma, name

    def compare(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        mean, std = kernel_distance(fake, real, self.num_subsets,
                                    self.subset_size, self.sigma)
        return {self.name: mean, f'{self.name}_std': std}
