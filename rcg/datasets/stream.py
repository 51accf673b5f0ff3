"""The endless stream of samples that training reads."""
import contextlib
import itertools
import math
from collections.abc import Iterator
from contextvars import ContextVar
from typing import NamedTuple

import numpy as np
from mmengine.dist import get_rank, get_world_size
from torch.utils.data import Dataset, Sampler

from rcg.datasets.permutation import FeistelPermutation
from rcg.registry import DATA_SAMPLERS

# From so many images on (a table would take 128 MB), the order is computed.
LARGE = 2**24
BLOCK = 256  # samples whose places are looked up at a time


class StreamItem(NamedTuple):
    """Which image a dataset is asked for, and its place in the stream.

    The seed and the position fix every random number of the sample:
    augmentation, noise, masks.

    Attributes:
        index: Of the image in the dataset.
        position: In the stream of all ranks; it never comes twice.
        seed: Of the stream.
    """
    index: int
    position: int
    seed: int

    @classmethod
    def of(cls, item: 'int | StreamItem') -> 'StreamItem':
        """Make an item of a plain index i.

        Inside of :func:`visit` it has the place of that item; elsewhere, as
        in evaluation, it is (i, i, 0).
        """
        if isinstance(item, cls):
            return item
        current = _visit.get()
        if current is None:
            return cls(item, item, 0)
        return current[0]._replace(index=item)


def check_index(dataset: Dataset, item: int | StreamItem) -> None:
    """Raise an IndexError for a plain index that a dataset does not have.

    Python ends a loop over a dataset by it.
    """
    size = len(dataset)
    if not isinstance(item, StreamItem) and not -size <= item < size:
        raise IndexError(f'{type(dataset).__name__} has {size} items, there '
                         f'is no index {item}.')


def rng_of(item: StreamItem) -> np.random.Generator:
    """What the transforms of an item draw from."""
    return np.random.default_rng((item.seed, item.position))


_visit: ContextVar[tuple[StreamItem, np.random.Generator] | None] = (
    ContextVar('visit', default=None))


@contextlib.contextmanager
def visit(item: StreamItem) -> Iterator[None]:
    """Read an item through datasets that know plain indices only.

    Datasets and transforms of rcg inside of them draw their random numbers
    from this item.
    """
    token = _visit.set((item, rng_of(item)))
    try:
        yield
    finally:
        _visit.reset(token)


def rng_of_visit() -> np.random.Generator | None:
    """What transforms draw from in a :func:`visit`; None outside of one."""
    current = _visit.get()
    return None if current is None else current[1]


@DATA_SAMPLERS.register_module()
class StreamSampler(Sampler):
    """Endless stream of samples, in a new order at every pass.

    Positions 0 to n - 1 are the first pass over the dataset, n to 2n - 1 the
    second. Rank r takes the positions p with ``p % world == r``. Together the
    ranks thus see what one process would see with a batch as large as theirs
    together.

    To resume, set ``position`` before iterating to the number of samples that
    this rank has used. No past data is read again. Iterating does not change
    ``position``, because data workers run ahead of training.

    Args:
        dataset: Only its length is used; it must not be empty.
        seed: Fixes the order and, with the position, the random numbers of
            every sample. It must be the same on all ranks. MMEngine gives the
            run's (``randomness.seed``) if the config gives none.
    """
    yields_items = True

    def __init__(self, dataset: Dataset, seed: int) -> None:
        if len(dataset) == 0:
            raise ValueError('StreamSampler needs at least one image, but '
                             f'{type(dataset).__name__} is empty.')
        if seed is None:
            raise ValueError(
                'StreamSampler needs a seed that is the same on all ranks, '
                "got None: write sampler=dict(type='StreamSampler', seed=0), "
                'or leave diff_rank_seed out of randomness.')
        self.dataset, self.seed, self.position = dataset, seed, 0
        self.rank, self.world = get_rank(), get_world_size()

    def order(self, epoch: int) -> np.ndarray | FeistelPermutation:
        """Indices in the order of one pass over the dataset."""
        if len(self.dataset) > LARGE:
            return FeistelPermutation(len(self.dataset), (self.seed, epoch))
        rng = np.random.default_rng((self.seed, epoch))
        return rng.permutation(len(self.dataset))

    def __iter__(self) -> Iterator[StreamItem]:
        order = current = None
        for start in itertools.count(self.position * self.world + self.rank,
                                     self.world * BLOCK):
            positions = start + self.world * np.arange(BLOCK)
            epochs, places = np.divmod(positions, len(self.dataset))
            for epoch in np.unique(epochs).tolist():
                if epoch != current:
                    order, current = self.order(epoch), epoch
                chosen = epochs == epoch
                for index, position in zip(
                        order[places[chosen]].tolist(),
                        positions[chosen].tolist(), strict=True):
                    yield StreamItem(index, position, self.seed)

    def __len__(self) -> int:
        """Samples of this rank in one pass; iteration does not end there."""
        return math.ceil(len(self.dataset) / self.world)


@DATA_SAMPLERS.register_module()
class ItemSampler(Sampler):
    """Makes a :class:`StreamItem` of each index of another sampler.

    MMEngine's and torch's samplers yield plain indices. Trained on them, an
    image would have the same noise, masks and crops at every visit. Here each
    visit has a position of its own. :class:`rcg.engine.RcgRunner` puts this
    class around the sampler of a training loop of MMEngine's.

    A pass over ``sampler`` is an epoch. Without :meth:`set_epoch`, passes
    count from 0.

    Args:
        dataset: Given to ``sampler``.
        seed: Given to ``sampler`` if its config has none; also the seed of
            the items. None: that of the sampler, which all ranks share.
        sampler: Config of the sampler (registry DATA_SAMPLERS), or the
            sampler. A :class:`StreamItem` that it yields is passed on.
    """
    yields_items = True

    def __init__(self, dataset: Dataset, seed: int | None,
                 sampler: dict | Sampler) -> None:
        if isinstance(sampler, dict):
            sampler = DATA_SAMPLERS.build(
                sampler, default_args=dict(dataset=dataset, seed=seed))
        self.dataset, self.sampler, self.epoch = dataset, sampler, 0
        own = getattr(sampler, 'seed', None)
        self.seed = next((s for s in (seed, own) if s is not None), 0)
        self.rank, self.world = get_rank(), get_world_size()

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch the next pass is."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[StreamItem]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        if hasattr(self.sampler, 'set_epoch'):
            self.sampler.set_epoch(epoch)
        return self._items(epoch, iter(self.sampler))

    def _items(self, epoch: int, indices: Iterator) -> Iterator[StreamItem]:
        for place, index in enumerate(indices, epoch * len(self)):
            if not isinstance(index, StreamItem):
                index = StreamItem(
                    index, place * self.world + self.rank, self.seed)
            yield index

    def __len__(self) -> int:
        """Samples of this rank in an epoch."""
        return len(self.sampler)
