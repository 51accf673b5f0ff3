"""What all metrics share: samples with an index, device, description."""
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.dist import get_comm_device, is_distributed
from mmengine.evaluator import BaseMetric
from torch import Tensor

from rcg.evaluation.data_samples import stack_rows
from rcg.evaluation.extractors.extractor import Extractor
from rcg.evaluation.references.reference import Reference


class SampleMetric(BaseMetric):
    """Base of metrics over samples that have an ``index``.

    Derive from :class:`~rcg.evaluation.metrics.row_metric.RowMetric` or
    :class:`~rcg.evaluation.metrics.sum_metric.SumMetric`, which differ in
    what they keep of the samples. Every sample counts once, however many
    processes there are and whatever a sampler adds to fill up batches.

    Attributes:
        names: Of the latest results.
        reports: Names of all results, without the prefix; None if they are
            not known beforehand.
        cumulative: Whether a state holds all that earlier ones hold.
    """
    default_prefix = 'generation'  # before the names, with a slash
    names: tuple[str, ...] = ()
    reports: tuple[str, ...] | None = None
    cumulative: bool
    _device: torch.device | None = None

    def __init__(self, prefix: str | None = None) -> None:
        super().__init__(prefix=prefix)
        self.clear()

    @property
    def device(self) -> torch.device:
        """Where the samples are; before the first, where they will be."""
        if self._device is not None:
            return self._device
        # A process may stay without samples: it follows the others.
        return torch.device(get_comm_device() if is_distributed()
                            else get_device())

    @property
    def size(self) -> int | None:
        """Number of samples that will come; None if no dataset told it."""
        return (self.dataset_meta or {}).get('num_images')

    @abstractmethod
    def rows(self, data_samples: Sequence[dict]) -> Tensor:
        """What a batch of model outputs adds: (N, D)."""

    @abstractmethod
    def take(self, indices: Tensor, rows: Tensor) -> None:
        """Keep what is needed of the samples (N,) with the rows (N, D)."""

    @abstractmethod
    def gather(self, size: int) -> Any:
        """Put together what all processes took, for ``compute_metrics``.

        Raises:
            RuntimeError: One of ``size`` samples is missing.
        """

    @abstractmethod
    def state(self, since: int = 0) -> dict[str, Tensor]:
        """What this process took, to be resumed from.

        Args:
            since: Leave out this many of the first batches; of no effect if
                states are cumulative.
        """

    @abstractmethod
    def load_state(self, states: Sequence[dict[str, Tensor]]) -> None:
        """Add states of other processes, all of other samples."""

    def clear(self) -> None:
        """Forget all samples. Called before the first sample as well."""
        self.results.clear()

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Take a batch of model outputs, dicts with an ``index`` each."""
        indices = stack_rows(data_samples, 'index').cpu()
        rows = self.rows(data_samples)
        self._device = rows.device
        if self.size is not None:  # then what fills up a batch is known
            counted = indices < self.size
            indices, rows = indices[counted], rows[counted]
        self.take(indices, rows)

    def evaluate(self, size: int) -> dict[str, float]:
        """Score the ``size`` samples of all processes, and start afresh.

        MMEngine's own would gather pickled batches, drop those that one
        process has more of than another, and compute on the first process
        alone. Here no sample is lost, and all processes compute, because
        they read the images of a reference together.

        Raises:
            RuntimeError: A sample is missing.
        """
        try:
            found = self.compute_metrics(self.gather(size))
        finally:
            self.clear()
        results = {f'{self.prefix}/{name}': value
                   for name, value in found.items()}
        self.names = tuple(results)
        return results

    def describe(self) -> dict:
        """Type, settings, extractor and references, for the protocol."""
        found = {'type': type(self).__name__}
        for name, value in vars(self).items():
            if name.startswith('_') or name in ('collect_device', 'prefix'):
                continue
            if isinstance(value, (Extractor, Reference)):
                found[name] = value.describe()
            elif isinstance(value, (int, float, str)):
                found[name] = value
        return found

    def digests(self) -> dict[str, str | None]:
        """Hashes of the weights of its extractors, by attribute."""
        return {name: value.sha256 for name, value in vars(self).items()
                if isinstance(value, Extractor)}
