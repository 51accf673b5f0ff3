"""The nearest images of a dataset, and whether samples copy any."""
import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from mmengine.config import Config
from torch import Tensor

from rcg.apis.images import held_out_dataset, train_dataset
from rcg.apis.inference.given import ImageReader
from rcg.apis.inference.progress import Bar
from rcg.datasets import ImageDataset
from rcg.datasets.folders import list_images
from rcg.evaluation.functional.neighbors import k_nearest, near_threshold
from rcg.registry import DATASETS

BATCH = 64  # images that are encoded at a time


class Neighbors(NamedTuple):
    """What :meth:`~rcg.apis.RCGInferencer.nearest` has found.

    Attributes:
        images: Rows of the k nearest images, the nearest first.
        indices (N, k): Their places in the dataset, int64.
        distances (N, k): Between representations, float64.
        near (N,): Whether an image is nearer to the dataset than 95 % of the
            held-out images are; None without held-out images.
        near_train: Share of those; about 0.05 for images that are no copies.
    """
    images: Sequence
    indices: Tensor
    distances: Tensor
    near: Tensor | None
    near_train: float | None


class Library:
    """Images to search, and their representations, encoded once.

    Args:
        images: A dataset, a folder, or images of any kind.
        read: Makes a batch (N, 3, H, W) of given images.
        encode: Images (N, 3, H, W) to representations (N, D).
    """

    def __init__(self, images, read: ImageReader,
                 encode: Callable[[Tensor], Tensor]) -> None:
        if isinstance(images, (str, os.PathLike)):
            images = [os.path.join(images, name)
                      for name in list_images(os.fspath(images))]
        self._images, self._read, self._encode = images, read, encode
        if not isinstance(images, ImageDataset):
            self._images = images = (
                images if isinstance(images, list) else read(images))
        self._rows = None

    def __len__(self) -> int:
        return len(self._images)

    def take(self, indices: Sequence[int]) -> Tensor:
        """Images (N, 3, H, W) uint8, as the model takes them."""
        if isinstance(self._images, ImageDataset):
            return self._read([self._images[i]['images'] for i in indices])
        return self._read([self._images[i] for i in indices])

    def representations(self) -> Tensor:
        """(len, D)."""
        if self._rows is None:
            bar, parts = Bar('encoding', len(self)), []
            try:
                for start in range(0, len(self), BATCH):
                    stop = min(start + BATCH, len(self))
                    parts.append(self._encode(self.take(range(start, stop))))
                    bar.update(stop)
            finally:
                bar.close()
            self._rows = torch.cat(parts)
        return self._rows


class Libraries:
    """Datasets and folders that were searched before; others are not kept.

    Args:
        read, encode: See :class:`Library`.
    """

    def __init__(self, read: ImageReader,
                 encode: Callable[[Tensor], Tensor]) -> None:
        self._arguments, self._known, self._own = (read, encode), {}, None

    def of(self, images) -> Library:
        """The library of some images."""
        path = isinstance(images, (str, os.PathLike))
        if not path and not isinstance(images, ImageDataset):
            return Library(images, *self._arguments)
        key = os.path.realpath(images) if path else images
        if key not in self._known:
            self._known[key] = Library(images, *self._arguments)
        return self._known[key]

    def own(self, cfg: Config) -> tuple[ImageDataset, ImageDataset | None]:
        """A config's training images, and its held-out ones if it has any.

        Raises:
            ValueError: It names no training images.
        """
        if self._own is None:
            found = train_dataset(cfg), held_out_dataset(cfg)
            self._own = tuple(wanted and DATASETS.build(wanted)
                              for wanted in found)
        return self._own


def find_neighbors(rows: Tensor, library: Library, held_out: Library | None,
                   k: int, show: Callable[[Tensor], Sequence]) -> Neighbors:
    """Search for the nearest images.

    Args:
        rows (N, D): Representations.
        library: Where to search.
        held_out: Images of the same kind that nobody trained on.
        k: How many to find.
        show: Images (N, k, 3, H, W) as the caller wants them.

    Raises:
        ValueError: k is out of range; all held-out images are in the library.
    """
    distances, indices = k_nearest(rows, library.representations(), k)
    near = share = None
    if held_out is not None:
        near = distances[:, 0] < near_threshold(
            library.representations(), held_out.representations())
        near, share = near.cpu(), near.double().mean().item()
    images = library.take(indices.flatten().tolist())
    return Neighbors(show(images.unflatten(0, (-1, k))), indices.cpu(),
                     distances.cpu(), near, share)
