"""Augmented views of images, each the same whenever it is asked for."""
from collections.abc import Sequence

import torch
from torch.utils.data import Dataset

from rcg.datasets.stream import StreamItem


class Views(Dataset):
    """K augmented views of each image of a dataset.

    Row v * N + i, N being the length of the dataset, is view v of image i. It
    depends on the seed, on i and on v alone, not on K or on other rows. If
    the dataset has few forms without randomness, see
    :meth:`~rcg.datasets.images.ImageDataset.fixed`, view v is form v.

    Args:
        dataset: An :class:`~rcg.datasets.images.ImageDataset`.
        count: K.
        seed: Of the augmentations.

    Raises:
        ValueError: ``count`` is not the number of forms.
    """

    def __init__(self, dataset: Dataset, count: int, seed: int) -> None:
        forms = dataset.fixed()
        if count < 1 or forms is not None and count != len(forms):
            wanted = 'at least 1' if forms is None else len(forms)
            raise ValueError(f'the number of views of an image must be '
                             f'{wanted}, got {count}.')
        self.dataset, self.count, self.seed = dataset, count, seed
        self.forms = forms or [dataset] * count

    def __len__(self) -> int:
        return self.count * len(self.dataset)

    def __getitem__(self, row: int) -> dict[str, torch.Tensor]:
        view, index = divmod(row, len(self.dataset))
        return self.forms[view][StreamItem(index, row, self.seed)]

    def __getitems__(self, rows: Sequence[int]) -> list[dict]:
        return [self[row] for row in rows]
