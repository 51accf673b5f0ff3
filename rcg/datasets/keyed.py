"""Datasets of MMEngine and torch as training data of rcg."""
import bisect

import torch
from torch.utils.data import ConcatDataset, Dataset, Subset

from rcg.datasets.images import ImageDataset
from rcg.datasets.stream import StreamItem
from rcg.registry import DATASETS


@DATASETS.register_module()
class KeyedDataset(Dataset):
    """Adds ``keys`` and ``indices`` to the items of any dataset of dicts.

    The models draw their random numbers from ``keys``. Datasets of MMEngine
    know plain indices only, and torch's ``Subset`` and ``ConcatDataset`` lose
    what a :class:`StreamItem` holds besides the index.
    :class:`rcg.engine.RcgRunner` puts this class around such datasets.

    An :class:`ImageDataset` inside ``Subset`` or ``ConcatDataset`` draws its
    augmentations from the item, as it does alone. Other datasets draw them as
    they please; resumed runs may then see other augmentations.

    Args:
        dataset: The dataset, or its config (registry DATASETS). Its items
            are dicts.
    """

    def __init__(self, dataset: Dataset | dict) -> None:
        if isinstance(dataset, dict):
            dataset = DATASETS.build(dataset)
        if hasattr(dataset, 'full_init'):  # MMEngine's may read files late
            dataset.full_init()
        self.dataset = dataset

    @property
    def metainfo(self) -> dict | None:
        return getattr(self.dataset, 'metainfo', None)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, item: int | StreamItem) -> dict:
        """An item; indices past the end are padding.

        Raises:
            TypeError: The dataset's items are not dicts.
        """
        item = StreamItem.of(item)
        content = _read(self.dataset,
                        item._replace(index=item.index % len(self)))
        if not isinstance(content, dict):
            raise TypeError(
                f'items of {type(self.dataset).__name__} must be dicts with '
                "the arguments of the model, such as 'images' (3, H, W) "
                f'uint8, got {type(content).__name__}: return a dict, or use '
                'ImageFolder.')
        return {**content, 'keys': torch.tensor((item.seed, item.position)),
                'indices': item.index}


def _read(dataset: Dataset, item: StreamItem):
    """Pass an item on to the dataset that holds the image."""
    if isinstance(dataset, Subset):
        return _read(dataset.dataset, item._replace(
            index=int(dataset.indices[item.index])))
    if isinstance(dataset, ConcatDataset):
        ends = dataset.cumulative_sizes
        part = bisect.bisect_right(ends, item.index)
        start = ends[part - 1] if part else 0
        return _read(dataset.datasets[part],
                     item._replace(index=item.index - start))
    if isinstance(dataset, ImageDataset):
        return dataset[item]
    return dataset[item.index]
