"""Datasets of MMEngine and torch as training data of rcg."""
from collections.abc import Sequence

import torch
from torch.utils.data import Dataset

from rcg.datasets.stream import StreamItem, check_index, visit
from rcg.registry import DATASETS


@DATASETS.register_module()
class KeyedDataset(Dataset):
    """Adds ``keys`` and ``indices`` to the items of any dataset of dicts.

    The models draw their random numbers from ``keys``. Datasets of MMEngine
    know plain indices only, and torch's ``Subset`` and ``ConcatDataset`` lose
    what a :class:`StreamItem` holds besides the index.
    :class:`rcg.engine.RcgRunner` puts this class around such datasets.

    Datasets and transforms of rcg inside of such datasets draw their
    augmentations from the item, as they do alone. Others draw them as they
    please; resumed runs may then see other augmentations.

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
        """An item.

        Raises:
            IndexError: A plain index is past the end.
            TypeError: The dataset's items are not dicts with the arguments
                of a model.
        """
        check_index(self, item)
        return self.__getitems__([item])[0]

    def __getitems__(self, items: Sequence[int | StreamItem]) -> list[dict]:
        """All items of a batch; indices past the end are padding."""
        return [self._item(StreamItem.of(item)) for item in items]

    def _item(self, item: StreamItem) -> dict:
        with visit(item):
            content = self.dataset[item.index % len(self)]
        if not isinstance(content, dict):
            raise TypeError(
                f'items of {type(self.dataset).__name__} must be dicts with '
                "the arguments of the model, such as 'images' (3, H, W) "
                f'uint8, got {type(content).__name__}: return a dict, or use '
                'ImageFolder.')
        if 'img' in content and 'images' not in content:
            raise TypeError(
                f"items of {type(self.dataset).__name__} have 'img' (H, W, 3) "
                "and not the 'images' (3, H, W) uint8 RGB of the model: end "
                'the pipeline with a transform that returns dict(images=...) '
                'and nothing that the model does not take.')
        return {**content, 'keys': torch.tensor((item.seed, item.position)),
                'indices': item.index}
