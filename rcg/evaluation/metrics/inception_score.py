"""Inception Score of generated images, from exact sums."""
from collections.abc import Sequence

from torch import Tensor

from rcg.evaluation.extractors.extractor import shared_extractor
from rcg.evaluation.functional.inception_score import (
    score_of_sums,
    split_of_samples,
    split_sums,
)
from rcg.evaluation.metrics.sum_metric import IntegerSumMetric
from rcg.registry import METRICS


@METRICS.register_module()
class InceptionScore(IntegerSumMetric):
    """Inception Score in the classes of the extractor's ``logits``.

    Which split a sample falls into depends on the number of samples. If the
    dataset tells it (``num_images`` of its metainfo), sums alone are kept,
    and otherwise the logits of all samples.

    Args:
        extractor: Config of a feature extractor that gives ``logits``.
        num_splits: Number of parts of the samples; each gives a score.
        prefix: Before the names of the results.
    """
    needs_size = True
    num_axes = 2  # splits, sums of each
    reports = ('is', 'is_std')

    def __init__(self, extractor: dict, num_splits: int = 10,
                 prefix: str | None = None) -> None:
        super().__init__(prefix)
        self.extractor = shared_extractor(extractor)
        self.num_splits = num_splits

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        return self.extractor.of_samples(data_samples)['logits']

    def add(self, indices: Tensor, rows: Tensor, size: int | None) -> None:
        splits = split_of_samples(size, self.num_splits)
        self.merge(split_sums(rows, splits[indices], self.num_splits))

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        mean, std = score_of_sums(results)
        return {'is': mean, 'is_std': std}
