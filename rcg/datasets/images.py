"""Base of the datasets of images: items, transforms, cached features."""
import copy
import hashlib
import itertools
import json
from abc import abstractmethod
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from rcg.datasets.stream import StreamItem, check_index, rng_of
from rcg.datasets.transforms import Transform
from rcg.datasets.views import Views
from rcg.registry import FUNCTIONS, TRANSFORMS


class Batch(Sequence):
    """The items of a batch, stored as one tensor (N, ...) for each name.

    Collate functions that expect a list of items can read it as one.
    """

    def __init__(self, columns: dict[str, Tensor]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, row: int) -> dict[str, Tensor]:
        return {name: column[row] for name, column in self.columns.items()}


@FUNCTIONS.register_module()
def collate_batch(items: Sequence) -> dict[str, Tensor]:
    """Collate as ``default_collate`` does; a :class:`Batch` needs no work.

    A batch of 256 cached features takes a tenth of the time. In a config:
    ``collate_fn=dict(type='rcg.collate_batch')``.
    """
    if isinstance(items, Batch):
        return items.columns
    return default_collate(items)


class ImageDataset(Dataset):
    """Base of the datasets of images.

    ``dataset[item]``, with a :class:`StreamItem` or an index, is a dict of

        images (3, H, W): uint8 RGB;
        keys (2,): int64, the seed and position of the sample;
        indices: the index that was asked for;
        labels: if there are classes.

    A batch of an evaluation may be filled up with indices past the end. They
    give the image at the index modulo the length. ``dataset[index]`` alone
    ends with an IndexError there, so that a loop over the dataset ends.

    Args:
        labels: Class of every image, or None.
        classes: Names of the classes, or None.
        pipeline: Configs of transforms (registry TRANSFORMS), in order.
    """
    # Whether images are in memory: then worker processes save no time.
    in_memory = False
    # Whether items may be asked for by a StreamItem.
    takes_items = True

    def __init__(self, labels: Sequence[int] | None = None,
                 classes: Sequence[str] | None = None,
                 pipeline: Sequence[dict] = ()) -> None:
        self.labels = None if labels is None else np.asarray(labels, np.int64)
        self.classes = None if classes is None else tuple(classes)
        self.pipeline = [dict(cfg) for cfg in pipeline]
        self.transforms = [TRANSFORMS.build(cfg) for cfg in self.pipeline]
        # Those before the first that may be random.
        self.fixed_transforms = list(itertools.takewhile(
            lambda step: isinstance(step, Transform) and not step.is_random,
            self.transforms))
        self.features: dict[str, Sequence] = {}
        self._drawing = None

    @abstractmethod
    def read(self, index: int) -> tuple[np.ndarray, int]:
        """Read an image.

        Returns:
            The image (H, W, 3), uint8 RGB, and its index. That differs from
            ``index`` if another image takes the place of an unreadable one.
        """

    def prepare(self, index: int) -> tuple[np.ndarray, int]:
        """Read an image and apply ``fixed_transforms``.

        Returns:
            Those of :meth:`read`.
        """
        image, index = self.read(index)
        results = {'img': image, 'rng': None}
        for transform in self.fixed_transforms:
            results = transform(results)
        return results['img'], index

    @abstractmethod
    def identity(self) -> Iterable[bytes]:
        """Bytes that differ for other images, before any transform."""

    @property
    def metainfo(self) -> dict:
        return dict(num_images=len(self), classes=self.classes)

    @property
    def is_random(self) -> bool:
        """Whether the transforms of an image may draw random numbers."""
        # Transforms without the attribute, such as mmcv's, may be random.
        return any(getattr(t, 'is_random', True) for t in self.transforms)

    def fixed(self) -> 'list[ImageDataset] | None':
        """This dataset without randomness, in all its forms.

        Returns:
            One dataset for each outcome of the random transforms: itself if
            nothing is random, two for flips alone. None if the outcomes are
            too many to list.
        """
        random = [i for i, t in enumerate(self.transforms)
                  if getattr(t, 'is_random', True)]
        if not random:
            return [self]
        if len(random) > 1 or not hasattr(self.transforms[random[0]], 'fixed'):
            return None
        forms = []
        for transform in self.transforms[random[0]].fixed():
            form = copy.copy(self)
            form.transforms = list(self.transforms)
            form.transforms[random[0]] = transform
            forms.append(form)
        return forms

    def views(self, count: int, seed: int) -> Views:
        """Augmented views of all images; see :class:`Views`."""
        return Views(self, count, seed)

    def fingerprints(self) -> dict[str, str]:
        """Hashes of the images, of their labels and of the pipeline."""
        images = hashlib.sha256(str(len(self)).encode())
        for part in self.identity():
            images.update(len(part).to_bytes(8, 'little') + part)
        labels = b'' if self.labels is None else self.labels.tobytes()
        pipeline = json.dumps(self.pipeline, sort_keys=True,
                              default=lambda kind: kind.__name__)
        return dict(images=images.hexdigest(),
                    labels=hashlib.sha256(labels).hexdigest(),
                    transforms=hashlib.sha256(pipeline.encode()).hexdigest())

    def fingerprint(self) -> str:
        """Hash of the images and of the pipeline."""
        digest = hashlib.sha256(json.dumps(
            [len(self), self.pipeline], sort_keys=True,
            default=lambda kind: kind.__name__).encode())
        for part in self.identity():
            digest.update(len(part).to_bytes(8, 'little') + part)
        return digest.hexdigest()

    def attach(self, features: dict[str, Sequence]) -> None:
        """Make items hold cached features instead of images.

        Call it before a data loader starts its workers. An item of the e-th
        pass over the dataset has view e modulo K. If the views are all there
        can be, see :meth:`fixed`, it has the one that would be drawn.

        Args:
            features: Rows of K views under the names that the model expects,
                such as ``codes``, and perhaps the ``labels`` of the rows. Row
                v * len(self) + i is view v of image i. They are tensors, or
                are indexed as these are. An empty dict brings the images
                back.

        Raises:
            ValueError: The features are of a dataset of another length.
        """
        forms = self.fixed()
        for name, rows in features.items():
            count, rest = divmod(len(rows), len(self))
            if rest or count < 1 or forms and count != len(forms):
                wanted = ('rows of whole views' if forms is None else
                          'a row' if len(forms) == 1 else f'{len(forms)} rows')
                raise ValueError(
                    f"features '{name}' must have {wanted} for each of the "
                    f'{len(self)} images, got {len(rows)}; they were made '
                    'from another dataset: delete them and make them again.')
        self.features = dict(features)
        # The transform whose outcome says which view a visit has.
        self._drawing = None if forms is None else next(
            (t for t in self.transforms if t.is_random), None)

    def _rows(self, items: Sequence[StreamItem],
              indices: Sequence[int]) -> Tensor:
        """Rows of the features of a batch."""
        size = len(self)
        count = len(next(iter(self.features.values()))) // size
        if count == 1:
            views = [0] * len(items)
        elif self._drawing is None:
            views = [item.position // size % count for item in items]
        else:
            views = [self._drawing.draw(rng_of(item)) for item in items]
        return torch.tensor([view * size + index for view, index in zip(
            views, indices, strict=True)])

    def __getitem__(self, item: int | StreamItem) -> dict[str, Tensor]:
        check_index(self, item)
        return self.__getitems__([item])[0]

    def __getitems__(self, items: Sequence[int | StreamItem]) -> Batch:
        """All items of a batch; torch's data loaders call this."""
        items = [StreamItem.of(item) for item in items]
        used = [item.index % len(self) for item in items]
        columns = dict(
            keys=torch.tensor([(i.seed, i.position) for i in items]),
            indices=torch.tensor([item.index for item in items]))
        if self.features:
            rows = self._rows(items, used)
            columns |= {k: v[rows] for k, v in self.features.items()}
        else:
            columns['images'], used = self.images_of(items, used)
        # Features may have the label of a substitute, as an image has.
        if self.labels is not None and 'labels' not in columns:
            columns['labels'] = torch.from_numpy(self.labels[used])
        return Batch(columns)

    def images_of(self, items: list[StreamItem],
                  indices: list[int]) -> tuple[Tensor, list[int]]:
        """Read and transform the images of a batch.

        Args:
            items: Their seeds and positions fix the transforms' random
                numbers.
            indices: Which images to read, each in [0, len(self)).

        Returns:
            Images (N, 3, H, W) uint8, and their indices; see :meth:`read`.

        Raises:
            ValueError: The images of the batch differ in size.
        """
        images, used = [], []
        others = self.transforms[len(self.fixed_transforms):]
        for item, index in zip(items, indices, strict=True):
            image, index = self.prepare(index)
            if others:
                results = {'img': image, 'rng': rng_of(item)}
                for transform in others:
                    results = transform(results)
                image = results['img']
            images.append(image)
            used.append(index)
        sizes = sorted({image.shape[:2] for image in images})
        if len(sizes) > 1:
            raise ValueError(
                'all images of a batch must have one size (height, width), '
                f'but the pipeline of {type(self).__name__} gave {sizes[0]} '
                f'and {sizes[-1]}: end it with CenterCrop or RandomCrop.')
        return to_tensor(np.stack(images)), used


def to_tensor(images: np.ndarray) -> Tensor:
    """(N, H, W, 3) -> (N, 3, H, W)."""
    # NumPy copies like that twice as fast as torch.
    return torch.from_numpy(np.ascontiguousarray(
        images.transpose(0, 3, 1, 2)))
