"""Images that are all in one array."""
from collections.abc import Iterable, Sequence

import numpy as np
from torch import Tensor

from rcg.datasets.images import ImageDataset, to_tensor
from rcg.datasets.stream import StreamItem


class ArrayDataset(ImageDataset):
    """Images of one array; see :class:`ImageDataset`.

    Args:
        images (N, H, W, 3): uint8 RGB.
        labels, classes, pipeline: Those of :class:`ImageDataset`.
    """
    in_memory = True

    def __init__(self, images: np.ndarray, labels: Sequence[int],
                 classes: Sequence[str],
                 pipeline: Sequence[dict] = ()) -> None:
        super().__init__(labels, classes, pipeline)
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def read(self, index: int) -> tuple[np.ndarray, int]:
        return self.images[index], index

    def identity(self) -> Iterable[bytes]:
        yield self.images.tobytes()

    def images_of(self, items: list[StreamItem],
                  indices: list[int]) -> tuple[Tensor, list[int]]:
        if self.transforms:
            return super().images_of(items, indices)
        return to_tensor(self.images[indices]), indices


def check_split(split: str) -> None:
    """Raise a ValueError if ``split`` is neither 'train' nor 'test'."""
    if split not in ('train', 'test'):
        raise ValueError(f"split must be 'train' or 'test', got {split!r}.")
