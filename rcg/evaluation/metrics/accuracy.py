"""Accuracy of a classifier, and of neighbors in representation space."""
from collections.abc import Sequence

import torch
from torch import Tensor

from rcg.evaluation.extractors.extractor import stack_rows
from rcg.evaluation.functional.neighbors import knn_accuracy
from rcg.evaluation.metrics.sample_metric import SampleMetric
from rcg.registry import METRICS


@METRICS.register_module()
class Accuracy(SampleMetric):
    """Share of the samples that a classifier gets right, in percent."""
    default_prefix = 'classifier'

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        return stack_rows(data_samples, 'correct').view(-1, 1).float()

    def score(self, rows: Tensor) -> dict[str, float]:
        return {'accuracy': 100 * rows.double().mean().item()}


@METRICS.register_module()
class KNNAccuracy(SampleMetric):
    """:func:`knn_accuracy` of representations, in percent."""
    default_prefix = 'representation'

    def __init__(self, k: int = 5, prefix: str | None = None) -> None:
        super().__init__(prefix)
        self.k = k

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        rows = stack_rows(data_samples, 'representations').float()
        labels = stack_rows(data_samples, 'labels').to(rows)  # below 2^24
        return torch.cat([rows, labels[:, None]], 1)

    def score(self, rows: Tensor) -> dict[str, float]:
        accuracy = knn_accuracy(rows[:, :-1], rows[:, -1].long(), self.k)
        return {'knn_accuracy': 100 * accuracy}
