"""What metrics share: indexed samples, padding, several processes."""
from abc import abstractmethod
from collections.abc import Sequence

import torch
from mmengine.dist import get_comm_device, is_distributed
from mmengine.evaluator import BaseMetric
from torch import Tensor

from rcg.evaluation.features import stack_rows
from rcg.evaluation.frechet import frechet_distance
from rcg.evaluation.moments import Moments
from rcg.evaluation.reference import Reference, reduced
from rcg.evaluation.samples import counted_rows, gather_in_order


class SampleMetric(BaseMetric):
    """Base of metrics over samples with an ``index``.

    It keeps one row a sample, drops padding, and hands all rows in the order
    of their indices to :meth:`score`. All processes compute the score.

    Args:
        prefix: Stands before the names of the results, with a slash.
    """
    default_prefix = 'generation'

    def __init__(self, prefix: str | None = None) -> None:
        super().__init__(prefix=prefix)
        self._device = None

    @property
    def device(self) -> torch.device:
        """Where the samples are (or, without any, those of the others)."""
        if self._device is None and is_distributed():
            return get_comm_device()
        return self._device or torch.device('cpu')

    @abstractmethod
    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        """What to keep of a batch of model outputs: (N, D)."""

    @abstractmethod
    def score(self, rows: Tensor) -> dict[str, float]:
        """Results from the rows (size, D) of all samples, on the CPU."""

    def process(self, data_batch: dict,
                data_samples: Sequence[dict]) -> None:
        """Take a batch of outputs, dicts with an ``index`` each."""
        indices = stack_rows(data_samples, 'index').cpu()
        rows = self.rows(data_samples)
        self._device = rows.device
        self.take(indices, rows)

    def take(self, indices: Tensor, rows: Tensor) -> None:
        """Keep the rows (N, D) of the samples (N,)."""
        self.results.append((indices, rows.cpu()))

    def evaluate(self, size: int) -> dict[str, float]:
        """Score the ``size`` samples of all processes, and start afresh.

        Raises:
            RuntimeError: A sample is missing.
        """
        try:
            found = self.collect(size)
        finally:
            self.clear()
        return {f'{self.prefix}/{name}': value
                for name, value in found.items()}

    def clear(self) -> None:
        """Forget all samples."""
        self.results.clear()

    def collect(self, size: int) -> dict[str, float]:
        """Results by name, from what all processes took."""
        indices = torch.cat([torch.zeros(0, dtype=torch.int64)] +
                            [indices for indices, _ in self.results])
        rows = torch.cat([rows for _, rows in self.results] or
                         [torch.zeros(0, 0)])
        counted = counted_rows(indices, size)
        return self.score(
            gather_in_order(indices[counted], rows[counted], size))

    def compute_metrics(self, results: list) -> dict:
        raise NotImplementedError('evaluate() replaces this')


class FrechetMetric(SampleMetric):
    """Frechet distance between rows of samples and a reference.

    It keeps nothing but sums, and the last batch: only that one may hold
    padding, which is known when all processes have compared their indices.

    Args:
        name: Name of the result.
        reference: The dataset to compare with.
        prefix: Stands before the name, with a slash.
    """

    def __init__(self, name: str, reference: Reference,
                 prefix: str | None = None) -> None:
        super().__init__(prefix)
        self.name, self.reference = name, reference
        self.clear()

    def clear(self) -> None:
        self._moments = self._last = None
        self._indices = [torch.zeros(0, dtype=torch.int64)]

    def take(self, indices: Tensor, rows: Tensor) -> None:
        if self._last is not None:
            self._add(self._last)
        self._indices.append(indices)
        self._last = rows

    def _add(self, rows: Tensor) -> None:
        if self._moments is None:
            self._moments = Moments(rows.shape[1], rows.device)
        self._moments.add(rows)

    def collect(self, size: int) -> dict[str, float]:
        counted = counted_rows(torch.cat(self._indices), size)
        earlier = len(counted) - len(self._indices[-1])
        if not counted[:earlier].all():
            raise RuntimeError(
                'a sample came twice, and not in the last batch. The sampler '
                'must give every index once: '
                "batch_sampler=dict(type='SeedBatchSampler').")
        if self._last is not None:
            self._add(self._last[counted[earlier:].to(self._last.device)])
        ours = reduced(self._moments, self.device).mean_and_covariance()
        theirs = self.reference.moments(self.device)
        return {self.name: frechet_distance(*ours, *theirs)}

    def score(self, rows: Tensor) -> dict[str, float]:
        raise NotImplementedError('collect() replaces this')
