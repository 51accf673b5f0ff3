"""Metrics that need all samples at once."""
from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from rcg.evaluation.gathering import gather_in_order, which_count
from rcg.evaluation.metrics.sample_metric import SampleMetric


class RowMetric(SampleMetric):
    """Base of metrics that keep one row of numbers a sample.

    A subclass says by :meth:`rows` what to keep of a batch, and computes the
    results from the rows of all samples.
    """
    cumulative = False

    @abstractmethod
    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        """Results by name.

        Args:
            results (size, D): The rows of all samples of all processes, in
                the order of their indices, on the CPU.
        """

    def take(self, indices: Tensor, rows: Tensor) -> None:
        self.results.append((indices, rows.cpu()))

    def state(self, since: int = 0) -> dict[str, Tensor]:
        indices, rows = _joined(self.results[since:])
        return dict(indices=indices, rows=rows)

    def load_state(self, states: Sequence[dict[str, Tensor]]) -> None:
        self.results += [(state['indices'], state['rows'])
                         for state in states]

    def gather(self, size: int) -> Tensor:
        indices, rows = _joined(self.results)
        counted = which_count(indices, size)
        return gather_in_order(indices[counted], rows[counted], size)


def _joined(batches: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Indices (N,) and rows (N, D) of a list of batches."""
    if not batches:
        return torch.zeros(0, dtype=torch.int64), torch.zeros(0, 0)
    indices, rows = zip(*batches, strict=True)
    return torch.cat(indices), torch.cat(rows)
