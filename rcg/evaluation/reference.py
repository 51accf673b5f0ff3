"""Features and moments of a dataset, the other side of a comparison."""
import json
import os
import weakref
from collections.abc import Iterator

import torch
from mmengine.dist import all_reduce, get_rank, get_world_size
from torch import Tensor
from torch.utils.data import DataLoader

from rcg.evaluation.features import Extractor
from rcg.evaluation.moments import Moments
from rcg.evaluation.samples import gather_in_order
from rcg.registry import DATASETS

# Fixed, because a network may round differently in a batch of another size.
_BATCH_SIZE = 64
_SHARED: 'weakref.WeakValueDictionary' = weakref.WeakValueDictionary()


class Reference:
    """A dataset seen through a feature extractor.

    All processes must ask for a result together: each reads its share of the
    images. Results stay with the extractor, so metrics that refer to the
    same images share them, and the next evaluation finds them.

    Args:
        dataset: Config of a dataset whose images do not vary.
        extractor: What to look through.

    Raises:
        ValueError: The dataset's pipeline is random.
    """

    def __init__(self, dataset: dict, extractor: Extractor) -> None:
        self._key = json.dumps(dataset, sort_keys=True, default=str)
        # Listing the files of a large dataset takes long: once is enough.
        self.dataset = _SHARED.get(self._key) or DATASETS.build(dataset)
        _SHARED[self._key], self.extractor = self.dataset, extractor
        if self.dataset.is_random:
            raise ValueError(
                'a reference must be the same every time, but the pipeline '
                f'of {type(self.dataset).__name__} is random: use CenterCrop '
                'instead of RandomCrop, and no RandomFlip.')

    def moments(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Mean (D,) and covariance (D, D) of the features, float64."""
        return self._once('moments', self._moments, device)

    def features(self, device: torch.device) -> Tensor:
        """Features (N, D) in the order of the dataset, on the CPU."""
        return self._once('features', self._features, device)

    def _once(self, name: str, compute, device: torch.device):
        key = name, self._key
        if key not in self.extractor.references:
            self.extractor.references[key] = compute(device)
        return self.extractor.references[key]

    def _batches(self, device) -> Iterator[tuple[Tensor, Tensor]]:
        starts = range(get_rank() * _BATCH_SIZE, len(self.dataset),
                       get_world_size() * _BATCH_SIZE)
        batches = [list(range(s, min(s + _BATCH_SIZE, len(self.dataset))))
                   for s in starts]
        workers = 0 if self.dataset.in_memory else min(
            8, _num_cores(), len(batches))
        for batch in DataLoader(self.dataset, batch_sampler=batches,
                                num_workers=workers):
            yield batch['indices'], self.extractor(
                batch['images'].to(device))['features']

    def _moments(self, device: torch.device) -> tuple[Tensor, Tensor]:
        moments = None
        for _, features in self._batches(device):
            moments = moments or Moments(features.shape[1], device)
            moments.add(features)
        return reduced(moments, device).mean_and_covariance()

    def _features(self, device: torch.device) -> Tensor:
        found = [(indices, features.cpu())
                 for indices, features in self._batches(device)]
        indices = torch.cat([f[0] for f in found] or
                            [torch.zeros(0, dtype=torch.int64)])
        rows = torch.cat([f[1] for f in found] or [torch.zeros(0, 0)])
        return gather_in_order(indices, rows, len(self.dataset))


def _num_cores() -> int:  # that this process may use
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def reduced(moments: Moments | None, device: torch.device) -> Moments:
    """Moments over all processes; a process without samples passes None."""
    dim = torch.tensor(len(moments.sums[1]) if moments else 0)
    all_reduce(dim, 'max')
    moments = moments or Moments(int(dim), device)
    moments.all_reduce()
    return moments
