"""Accuracy of a classifier, and of neighbors in representation space."""
from collections.abc import Sequence

import torch
from torch import Tensor

from rcg.evaluation.data_samples import stack_rows
from rcg.evaluation.functional.neighbors import knn_accuracy
from rcg.evaluation.metrics.row_metric import RowMetric
from rcg.registry import METRICS


@METRICS.register_module()
class Accuracy(RowMetric):
    """Share of the samples that a classifier gets right, in percent."""
    default_prefix = 'classifier'
    reports = ('accuracy', )

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        return stack_rows(data_samples, 'correct').view(-1, 1).float()

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        return {'accuracy': 100 * results.double().mean().item()}


@METRICS.register_module()
class KNNAccuracy(RowMetric):
    """:func:`knn_accuracy` of representations, in percent.

    Args:
        k: Number of neighbors that vote.
        prefix: Before the name of the result.
    """
    default_prefix = 'representation'
    reports = ('knn_accuracy', )

    def __init__(self, k: int = 5, prefix: str | None = None) -> None:
        super().__init__(prefix)
        self.k = k

    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        rows = stack_rows(data_samples, 'representations').float()
        labels = stack_rows(data_samples, 'labels').to(rows)  # below 2^24
        return torch.cat([rows, labels[:, None]], 1)

    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        rows, labels = results[:, :-1], results[:, -1].long()
        accuracy = knn_accuracy(rows, labels, self.k)
        return {'knn_accuracy': 100 * accuracy}
