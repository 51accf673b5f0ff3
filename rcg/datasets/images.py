"""What all datasets of images share: items, transforms, cached features."""
import hashlib
import json
from abc import abstractmethod
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from rcg.datasets.collate import Batch
from rcg.datasets.stream import StreamItem
from rcg.registry import TRANSFORMS


class ImageDataset(Dataset):
    """Base of the datasets of images.

    An item is a dict of ``images`` (3, H, W) uint8 RGB, ``keys`` (2,) int64
    of (seed, position), ``indices`` (the index asked for) and, if the dataset
    has classes, ``labels``. It is asked for by a
    :class:`~rcg.datasets.stream.StreamItem` or by an index. An index past the
    end (which fills up the last batch of an evaluation) gives the image at
    the index modulo the length, and keeps its own value in ``indices``.

    Args:
        labels: Class of every image, or None.
        classes: Names of the classes, or None.
        pipeline: Configs of transforms (registry TRANSFORMS), in order.
    """
    # Whether reading an image costs nothing, so that workers cannot help.
    in_memory = False

    def __init__(self, labels: Sequence[int] | None = None,
                 classes: Sequence[str] | None = None,
                 pipeline: Sequence[dict] = ()) -> None:
        self.labels = None if labels is None else np.asarray(labels, np.int64)
        self.classes = None if classes is None else tuple(classes)
        self.pipeline = [dict(cfg) for cfg in pipeline]
        self.transforms = [TRANSFORMS.build(cfg) for cfg in self.pipeline]
        self.features: dict[str, Tensor] = {}

    @abstractmethod
    def __len__(self) -> int:
        """Number of images."""

    @abstractmethod
    def read(self, index: int) -> tuple[np.ndarray, int]:
        """Read one image.

        Returns:
            The image (H, W, 3) uint8 RGB, and the index that it really has:
            another one if ``index`` could not be read.
        """

    @abstractmethod
    def identity(self) -> Iterable[str | bytes]:
        """What tells these images from others, before any transform."""

    @property
    def metainfo(self) -> dict:
        return {'num_images': len(self), 'classes': self.classes}

    @property
    def is_random(self) -> bool:
        """Whether an image differs from one reading to the next.

        A transform that does not say so (one of mmcv's) counts as random.
        """
        return any(getattr(t, 'is_random', True) for t in self.transforms)

    def fingerprint(self) -> str:
        """Hash of the images and of what the pipeline does to them."""
        digest = hashlib.sha256(json.dumps(
            [len(self), self.pipeline], sort_keys=True).encode())
        for part in self.identity():
            part = part.encode() if isinstance(part, str) else part
            digest.update(len(part).to_bytes(8, 'little') + part)
        return digest.hexdigest()

    def attach(self, features: dict[str, Tensor]) -> None:
        """Let items carry rows of cached features instead of images.

        Call it before a data loader starts its workers.

        Args:
            features (len(self), ...): Tensors by the name that the model
                expects, such as ``codes`` or ``representations``. Empty: the
                items carry images again.

        Raises:
            ValueError: A tensor has another number of rows than the dataset.
        """
        for name, rows in features.items():
            if len(rows) != len(self):
                raise ValueError(
                    f"features '{name}' must have a row for each of the "
                    f'{len(self)} images, got {len(rows)}; they were made '
                    'from another dataset: delete them and make them again.')
        self.features = dict(features)

    def __getitem__(self, item: int | StreamItem) -> dict[str, Tensor]:
        return self.__getitems__([item])[0]

    def __getitems__(self, items: Sequence[int | StreamItem]) -> Batch:
        """The items of a batch at once; data loaders call this."""
        items = [StreamItem.of(item) for item in items]
        used = [item.index % len(self) for item in items]
        columns = {
            'keys': torch.tensor([(i.seed, i.position) for i in items]),
            'indices': torch.tensor([item.index for item in items])
        }
        if self.features:
            rows = torch.tensor(used)
            columns.update((k, v[rows]) for k, v in self.features.items())
        else:
            columns['images'], used = self.images_of(items, used)
        if self.labels is not None:
            columns['labels'] = torch.from_numpy(self.labels[used])
        return Batch(columns)

    def images_of(self, items: list[StreamItem],
                  indices: list[int]) -> tuple[Tensor, list[int]]:
        """Read and transform the images of a batch.

        Args:
            items: Where the images stand in the stream.
            indices: Which images, each in [0, len(self)).

        Returns:
            Images (N, 3, H, W) uint8, and the indices that they really have.
        """
        images, used = [], []
        for item, index in zip(items, indices, strict=True):
            image, index = self.read(index)
            images.append(self._transform(image, item))
            used.append(index)
        sizes = sorted({image.shape[:2] for image in images})
        if len(sizes) > 1:
            raise ValueError(
                'all images of a batch must have one size (height, width), '
                f'but the pipeline of {type(self).__name__} gave {sizes[0]} '
                f'and {sizes[-1]}: end it with CenterCrop or RandomCrop.')
        batch = torch.from_numpy(np.stack(images))  # (N, H, W, 3)
        return batch.permute(0, 3, 1, 2).contiguous(), used

    def _transform(self, image: np.ndarray, item: StreamItem) -> np.ndarray:
        if not self.transforms:
            return image
        rng = np.random.default_rng((item.seed, item.position))
        results = {'img': image, 'rng': rng}
        for transform in self.transforms:
            results = transform(results)
        return results['img']


class ArrayDataset(ImageDataset):
    """Images that are held in memory.

    Args:
        images (N, H, W, 3): uint8 RGB.
        labels: Class of every image.
        classes: Names of the classes.
        pipeline: Configs of transforms.
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
        batch = torch.from_numpy(self.images[indices])  # (N, H, W, 3)
        return batch.permute(0, 3, 1, 2).contiguous(), indices
