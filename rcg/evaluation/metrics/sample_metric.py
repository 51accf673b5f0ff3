"""What metrics share: indexed samples, padding, several processes."""
from abc import abstractmethod
from collections.abc import Sequence

import torch
from mmengine.device import get_device
from mmengine.dist import get_comm_device, is_distributed
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from torch import Tensor

from rcg.evaluation.extractors.extractor import stack_rows
from rcg.evaluation.functional.distances import frechet_distance
from rcg.evaluation.functional.moments import Moments, reduced
from rcg.evaluation.metrics.samples import counted_rows, gather_in_order
from rcg.evaluation.references.dataset import Reference


class SampleMetric(BaseMetric):
    """Base of metrics over samples with an ``index``.

    It keeps one row a sample, drops padding, and hands all rows in the order
    of their indices to :meth:`score`. All processes compute the score.
    """
    default_prefix = 'generation'  # before the names, with a slash
    names: tuple[str, ...] = ()  # of the results, once there are some
    cumulative = False  # whether a state replaces earlier ones
    _device: torch.device | None = None

    def __init__(self, prefix: str | None = None) -> None:
        super().__init__(prefix=prefix)
        self.clear()

    @property
    def device(self) -> torch.device:
        """Where the samples are (or, without any, those of the others)."""
        others = get_comm_device() if is_distributed() else get_device()
        return self._device or torch.device(others)

    @property
    def size(self) -> int | None:
        """Number of samples that will come, if the dataset told it."""
        return (self.dataset_meta or {}).get('num_images')

    @abstractmethod
    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        """What to keep of a batch of model outputs: (N, D)."""

    @abstractmethod
    def score(self, rows: Tensor) -> dict[str, float]:
        """Results from the rows (size, D) of all samples, on the CPU."""

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Take a batch of outputs, dicts with an ``index`` each."""
        indices = stack_rows(data_samples, 'index').cpu()
        rows = self.rows(data_samples)
        self._device = rows.device
        if self.size is not None:  # then what fills up a batch is known
            counted = indices < self.size
            indices, rows = indices[counted], rows[counted]
        self.take(indices, rows)

    def take(self, indices: Tensor, rows: Tensor) -> None:
        """Keep the rows (N, D) of the samples (N,)."""
        self.results.append((indices, rows.cpu()))

    def state(self, since: int = 0) -> dict[str, Tensor]:
        """What this process took since a batch, or at all if cumulative."""
        indices, rows = _joined(self.results[since:])
        return dict(indices=indices, rows=rows)

    def load_state(self, states: Sequence[dict[str, Tensor]]) -> None:
        """Add states of other processes, all of other samples."""
        self.results += [(s['indices'], s['rows']) for s in states]

    def evaluate(self, size: int) -> dict[str, float]:
        """Score the ``size`` samples of all processes, and start afresh.

        Raises:
            RuntimeError: A sample is missing.
        """
        try:
            results = {f'{self.prefix}/{name}': value
                       for name, value in self.collect(size).items()}
        finally:
            self.clear()
        self.names = tuple(results)
        return results

    def describe(self) -> dict:
        """Type, settings, extractor and references, for the protocol."""
        found = {'type': type(self).__name__}
        for name, value in vars(self).items():
            if name.startswith(('_', 'collect_', 'names', 'prefix')):
                continue
            if hasattr(value, 'describe'):
                found[name] = value.describe()
            elif isinstance(value, (int, float, str)):
                found[name] = value
        return found

    def clear(self) -> None:
        """Forget all samples."""
        self.results.clear()

    def collect(self, size: int) -> dict[str, float]:
        """Results by name, from what all processes took."""
        indices, rows = _joined(self.results)
        kept = counted_rows(indices, size)
        return self.score(gather_in_order(indices[kept], rows[kept], size))

    def compute_metrics(self, results: list) -> dict:
        raise NotImplementedError('evaluate() replaces this')


def _joined(batches: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Indices (N,) and rows (N, D) of a list of batches."""
    nothing = torch.zeros(0, dtype=torch.int64), torch.zeros(0, 0)
    return tuple(map(torch.cat, zip(*(batches or [nothing]), strict=True)))


class StreamMetric(SampleMetric):
    """Base of metrics that keep nothing but sums, and the last batch.

    Only the last batch may hold samples that came before (of another
    process), which is known when all processes have compared their indices.
    """
    cumulative = True
    sums: Tensor | None  # of this process; a subclass has them

    @abstractmethod
    def add(self, indices: Tensor, rows: Tensor) -> None:
        """Add samples (N,) with their rows (N, D) to the sums."""

    @abstractmethod
    def add_sums(self, sums: Tensor) -> None:
        """Add the sums of another process."""

    @abstractmethod
    def finish(self, size: int) -> dict[str, float]:
        """Results from the sums of all processes."""

    def clear(self) -> None:
        super().clear()
        self._last = None
        self._indices = [torch.zeros(0, dtype=torch.int64)]

    def take(self, indices: Tensor, rows: Tensor) -> None:
        self._flush()
        self._indices.append(indices)
        self._last = indices, rows

    def _flush(self, counted: Tensor | slice = slice(None)) -> None:
        if self._last is not None:
            self.add(*(part[counted] for part in self._last))
        self._last = None

    def state(self, since: int = 0) -> dict[str, Tensor]:
        self._flush()
        return dict(indices=torch.cat(self._indices), sums=self.sums.cpu())

    def load_state(self, states: Sequence[dict[str, Tensor]]) -> None:
        self._indices = [s['indices'] for s in states] + self._indices
        for state in states:
            self.add_sums(state['sums'].to(self.device))

    def collect(self, size: int) -> dict[str, float]:
        counted = counted_rows(torch.cat(self._indices), size)
        earlier = len(counted) - len(self._indices[-1])
        if not counted[:earlier].all():
            raise RuntimeError(
                'a sample came twice, and not in the last batch. The sampler '
                'must give every index once: '
                "batch_sampler=dict(type='SeedBatchSampler').")
        self._flush(counted[earlier:])
        return self.finish(size)

    def score(self, rows: Tensor) -> dict[str, float]:
        raise NotImplementedError('finish() replaces this')


class FrechetMetric(StreamMetric):
    """Frechet distance of rows from a reference."""

    def __init__(self, name: str, reference: Reference,
                 prefix: str | None) -> None:
        super().__init__(prefix)
        self.name, self.reference = name, reference

    def clear(self) -> None:
        super().clear()
        self._moments = None

    def add(self, indices: Tensor, rows: Tensor) -> None:
        if self._moments is None:
            self.reference.check(rows.shape[1])
            self._moments = Moments(rows.shape[1], rows.device)
        self._moments.add(rows)

    @property
    def sums(self) -> Tensor:
        return self._moments.sums

    def add_sums(self, sums: Tensor) -> None:
        if self._moments is None:
            self._moments = Moments(sums.shape[-1] - 1, sums.device)
        self._moments.merge(sums)

    def finish(self, size: int) -> dict[str, float]:
        ours = reduced(self._moments, self.device).mean_and_covariance()
        if size <= len(ours[0]):
            print_log(f'{self.name}: {size} samples say little about '
                      f'{len(ours[0])} features; their covariance is singular '
                      'and the distance much too large. Take more samples, '
                      'or compare equal numbers only.', 'current', 30)
        theirs = self.reference.moments(self.device)
        return {self.name: frechet_distance(*ours, *theirs)}
