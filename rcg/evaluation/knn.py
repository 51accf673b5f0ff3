"""Did the encoder learn anything? Nearest neighbors know."""
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from rcg.registry import METRICS

from .features import stack_rows
from .sample_metric import SampleMetric


def knn_accuracy(rows: Tensor, labels: Tensor, k: int) -> float:
    """Leave-one-out accuracy of a vote among the k nearest other rows.

    Each neighbor votes with its cosine similarity.

    Args:
        rows (N, D): Representations.
        labels (N,): Classes, int64.
        k: Number of neighbors, below N.

    Returns:
        Share in [0, 1] of rows whose class wins the vote.
    """
    if not 1 <= k < len(rows):
        raise ValueError(f'k must be in [1, {len(rows) - 1}], got {k}; a row '
                         'does not count as its own neighbor.')
    rows = F.normalize(rows.float(), dim=1)
    hits, num_classes = 0, int(labels.max()) + 1
    for start in range(0, len(rows), 1024):  # bounds memory
        similarity = rows[start:start + 1024] @ rows.T
        similarity.diagonal(start).fill_(-torch.inf)
        weights, nearest = similarity.topk(k)
        votes = rows.new_zeros(len(similarity), num_classes)
        votes.scatter_add_(1, labels[nearest], weights)
        hits += int((votes.argmax(1) == labels[start:start + 1024]).sum())
    return hits / len(rows)


@METRICS.register_module()
class KNNAccuracy(SampleMetric):
    """Leave-one-out k-NN accuracy of representations, in percent.

    Labels serve this score alone: no encoder is trained with them.
    """
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
