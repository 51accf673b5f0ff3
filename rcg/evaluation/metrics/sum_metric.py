"""Metrics whose memory does not grow with the number of samples."""
from abc import abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from rcg.evaluation.gathering import add_up, which_count
from rcg.evaluation.metrics.sample_metric import SampleMetric


class SumMetric(SampleMetric):
    """Base of metrics that keep sums, and of each sample the index alone.

    A subclass says by :meth:`rows` what a batch adds to the sums, adds it,
    and computes the results from the sums of all processes. The sums must be
    exact, so that they do not depend on their order.

    Attributes:
        needs_size: Whether :meth:`add` needs the number of all samples. If
            no dataset tells it, all batches then wait for the last one.
    """
    cumulative = True
    needs_size = False

    @property
    @abstractmethod
    def sums(self) -> Tensor:
        """Sums of this process; without samples, of no elements."""

    @abstractmethod
    def add(self, indices: Tensor, rows: Tensor, size: int | None) -> None:
        """Add samples (N,) with their rows (N, D) to the sums.

        ``size`` is the number of all samples, or None if it is not known.
        """

    @abstractmethod
    def merge(self, sums: Tensor) -> None:
        """Add the sums of other samples."""

    @abstractmethod
    def compute_metrics(self, results: Tensor) -> dict[str, float]:
        """Results by name.

        Args:
            results: ``sums`` of all samples of all processes.
        """

    def clear(self) -> None:
        super().clear()
        self._pending = PendingBatches()

    def take(self, indices: Tensor, rows: Tensor) -> None:
        self._pending.append(indices, rows)
        if self.size is not None or not self.needs_size:
            self._add(self._pending.settled(1), self.size)

    def _add(self, batches: Iterator[tuple[Tensor, Tensor]],
             size: int | None) -> None:
        for indices, rows in batches:
            self.add(indices, rows, size)

    def state(self, since: int = 0) -> dict[str, Tensor]:
        # Only runs whose sampler gives each sample once are resumed.
        self._add(self._pending.settled(0), self.size)
        return dict(indices=self._pending.indices, sums=self.sums.cpu())

    def load_state(self, states: Sequence[dict[str, Tensor]]) -> None:
        for state in states:
            self._pending.append_settled(state['indices'])
            self.merge(state['sums'].to(self.device))

    def gather(self, size: int) -> Tensor:
        self._add(self._pending.counted(size), size)
        return add_up(self.sums)


class IntegerSumMetric(SumMetric):
    """Base of metrics that keep one tensor of integer sums.

    A subclass gives its rows' sums to :meth:`merge`.

    Attributes:
        num_axes: Axes of the sums. Those of a process without samples are
            empty and have as many.
    """
    num_axes = 1

    def clear(self) -> None:
        super().clear()
        self._sums = torch.zeros([0] * self.num_axes, dtype=torch.int64)

    @property
    def sums(self) -> Tensor:
        return self._sums

    def merge(self, sums: Tensor) -> None:
        if self._sums.numel() == 0:
            self._sums = sums
        else:
            self._sums = self._sums + sums.to(self._sums.device)


class PendingBatches:
    """Batches of which it is not settled yet which samples count.

    A sampler may repeat samples, to give all processes equal shares. Repeated
    ones stand in the last batch of a process. Which these are is known when
    all processes have compared their indices, at the end. So the newest batch
    waits here, and is settled when another one comes.
    """

    def __init__(self) -> None:
        self._settled: list[Tensor] = []  # indices only
        self._waiting: deque[tuple[Tensor, Tensor]] = deque()

    @property
    def indices(self) -> Tensor:
        """(N,): Of all samples so far, int64."""
        return torch.cat([torch.zeros(0, dtype=torch.int64), *self._settled,
                          *(indices for indices, _ in self._waiting)])

    def append(self, indices: Tensor, rows: Tensor) -> None:
        """Let a batch wait: indices (N,) and rows (N, D)."""
        self._waiting.append((indices, rows))

    def append_settled(self, indices: Tensor) -> None:
        """Note samples (N,) of an earlier session, all of which count."""
        self._settled.append(indices)

    def settled(self, num_waiting: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield and forget all but the newest batches: they count whole."""
        while len(self._waiting) > num_waiting:
            indices, rows = self._waiting.popleft()
            self._settled.append(indices)
            yield indices, rows

    def counted(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield what counts of the batches that wait. All must call it.

        Raises:
            RuntimeError: A sample is missing on all processes, or a sample
                that was settled came twice.
        """
        counted = which_count(self.indices, size)
        lengths = [len(indices) for indices, _ in self._waiting]
        num_settled = len(counted) - sum(lengths)
        if not counted[:num_settled].all():
            raise RuntimeError(
                'a sample came twice, and not in the last batch. The sampler '
                'must give every index once: '
                "batch_sampler=dict(type='SeedBatchSampler').")
        parts = counted[num_settled:].split(lengths)
        for part, (indices, rows) in zip(parts, self._waiting, strict=True):
            yield indices[part], rows[part]
