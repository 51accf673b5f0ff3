"""Seeds to generate images from, and their batches."""
import math
from collections.abc import Iterator, Sequence

import torch
from mmengine.dist import get_rank, get_world_size
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from rcg.datasets.stream import check_index
from rcg.registry import DATA_SAMPLERS, DATASETS


@DATASETS.register_module()
class SeedDataset(Dataset):
    """One item for each of ``num_images`` to generate.

    Image i draws all its random numbers from (seed, i), so the images do not
    depend on the number of processes. Indices from ``num_images`` on fill up
    the last batch: their images are generated too, and metrics drop them.

    Args:
        num_images: At least 1.
        seed: At least 0.
        num_classes: Image i has the label ``i % num_classes``, so that every
            class comes equally often. None: no labels.
    """

    def __init__(self, num_images: int, seed: int = 0,
                 num_classes: int | None = None) -> None:
        if num_images < 1 or seed < 0 or (
                num_classes is not None and num_classes < 1):
            raise ValueError(
                'num_images must be at least 1, seed at least 0, num_classes '
                'at least 1 or None for no labels, got '
                f'{num_images}, {seed} and {num_classes}.')
        self.seed, self.num_classes = seed, num_classes
        self.metainfo = dict(num_images=num_images, seed=seed)

    def __len__(self) -> int:
        return self.metainfo['num_images']

    def __getitem__(self, index: int) -> dict[str, int | Tensor]:
        check_index(self, index)
        return self._item(index)

    def __getitems__(self, indices: Sequence[int]) -> list[dict]:
        """All items of a batch, which may be filled up."""
        return [self._item(index) for index in indices]

    def _item(self, index: int) -> dict[str, int | Tensor]:
        item = {'keys': torch.tensor((self.seed, index)), 'indices': index}
        if self.num_classes is not None:
            item['labels'] = index % self.num_classes
        return item


@DATA_SAMPLERS.register_module()
class SeedBatchSampler(Sampler):
    """Batches whose composition does not depend on the number of processes.

    Batch b holds the indices b * batch_size to (b + 1) * batch_size - 1. The
    last batch is filled up with indices past the end of the dataset, because
    a matrix product may round differently in a batch of another size.

    Batches in ``done`` are left out. Of the others in their order, rank r
    takes number r, r + world, and so on; if they are to be ``contiguous``,
    all ranks take as many that follow each other.

    Args:
        sampler: Any sampler with a ``dataset``; its order is not used.
        batch_size: Images in every batch of every process.
    """

    def __init__(self, sampler: Sampler, batch_size: int) -> None:
        dataset = getattr(sampler, 'dataset', None)
        if dataset is None:
            raise TypeError(
                'SeedBatchSampler needs a sampler that knows its dataset, got '
                f'{type(sampler).__name__}: use '
                "sampler=dict(type='DefaultSampler', shuffle=False).")
        if batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, got '
                             f'{batch_size}.')
        self.sampler, self.batch_size = sampler, batch_size
        self.num_batches = math.ceil(len(dataset) / batch_size)
        self.rank, self.world = get_rank(), get_world_size()
        self.done: set[int] = set()
        self.contiguous = False

    def batches(self) -> list[int]:
        """Numbers of the batches of this process."""
        left = [b for b in range(self.num_batches) if b not in self.done]
        if not self.contiguous:
            return left[self.rank::self.world]
        start, stop = ((self.rank + i) * len(left) // self.world
                       for i in (0, 1))
        return left[start:stop]

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.batches():
            start = batch * self.batch_size
            yield list(range(start, start + self.batch_size))

    def __len__(self) -> int:
        return len(self.batches())
