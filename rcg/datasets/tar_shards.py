"""Images in tar files, each of which holds thousands: webdataset's shards."""
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from mmengine.dist import get_rank, get_world_size

from rcg.datasets.bad_files import allowed_bad
from rcg.datasets.file_images import FileImages
from rcg.datasets.folders import walk_once
from rcg.datasets.reading import decode_image, to_rgb
from rcg.datasets.shard_index import Head, head_of, index_of, read_member
from rcg.registry import DATASETS
from rcg.spread import evenly_spread


def list_shards(root: str) -> list[str]:
    """Paths of the tar files of a folder, in any nesting; none if it has none.

    Hidden ones are left out.

    Returns:
        Sorted paths, relative to ``root``, with /.
    """
    return sorted(
        os.path.relpath(os.path.join(folder, name), root).replace(os.sep, '/')
        for folder, names, _ in walk_once(root) for name in names
        if name.lower().endswith('.tar'))


def heads_of(root: str, shards: Sequence[str]) -> list[Head]:
    """Index those shards of a folder that are not indexed yet.

    Each process begins elsewhere, and passes over what others have indexed in
    the meantime: so they share the work.

    Raises:
        OSError, ValueError: A shard cannot be read.
    """
    first = get_rank() * len(shards) // get_world_size()
    order = [*range(first, len(shards)), *range(first)]
    with ThreadPoolExecutor(8) as pool:  # for storage that answers late
        found = dict(zip(order, pool.map(
            lambda i: head_of(os.path.join(root, shards[i])), order),
            strict=True))
    return [found[i] for i in range(len(shards))]


class ShardImages(Sequence):
    """Names of the images of all shards of a folder, in order, and more.

    ``images[i]`` is 'shard.tar/name.jpg'. In memory is a number for each
    shard; what is known of an image is read from the index of its shard.

    Args:
        root: The folder.
        shards: Paths of the shards, relative to it.

    Raises:
        OSError, ValueError: A shard cannot be read.
    """

    def __init__(self, root: str, shards: Sequence[str]) -> None:
        self.root, self.shards = root, tuple(shards)
        self.heads = heads_of(root, shards)
        self._ends = np.cumsum([head.count for head in self.heads])

    def __len__(self) -> int:
        return int(self._ends[-1]) if self.shards else 0

    def __getitem__(self, index: int) -> str:
        shard, number = self._find(range(len(self))[index])
        return f'{self.shards[shard]}/{self._index(shard).name(number)}'

    def content(self, index: int) -> bytes:
        """The bytes of an image.

        Raises:
            OSError, RuntimeError, ValueError: See :func:`read_member
                <rcg.datasets.shard_index.read_member>`.
        """
        shard, number = self._find(index)
        row = self._index(shard).rows[number]
        return read_member(self._path(shard), self.heads[shard],
                           int(row['offset']), int(row['size']))

    def labels(self) -> np.ndarray | None:
        """(N,) int64: the label of each image; None if none has one.

        Raises:
            ValueError: Some images have one, and others have not.
        """
        labeled = sum(head.labeled for head in self.heads)
        if not labeled:
            return None
        found = np.concatenate([self._index(i).rows['label']
                                for i in range(len(self.shards))])
        if labeled < len(self):
            first = self[int((found < 0).argmax())]
            raise ValueError(
                f"{len(self) - labeled:,} of the {len(self):,} images in the "
                f"tar shards of '{self.root}' have no label, the first: "
                f"'{first}'. Give all a file .cls, or none.")
        return found.astype(np.int64)

    def _find(self, index: int) -> tuple[int, int]:
        """Numbers of the shard, and of the image in it."""
        shard = int(np.searchsorted(self._ends, index, 'right'))
        return shard, index - int(self._ends[shard]) + self.heads[shard].count

    def _path(self, shard: int) -> str:
        return os.path.join(self.root, self.shards[shard])

    def _index(self, shard: int):
        return index_of(self._path(shard), self.heads[shard])


class Chosen(Sequence):
    """Some items of a sequence, in the order of ``numbers``."""

    def __init__(self, items: Sequence, numbers: Sequence[int]) -> None:
        self.items, self.numbers = items, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int):
        return self.items[self.numbers[index]]


@DATASETS.register_module()
class TarShards(FileImages):
    """Images in tar files (webdataset's shards), read where they lie.

    A sample is what has one name: ``000.jpg`` and, if there are labels,
    ``000.cls`` with a number or ``000.json`` with a "label". The headers are
    read once, see :mod:`rcg.datasets.shard_index`; nothing is unpacked. Images
    are found by number. So their order, exact resuming, and what is done with
    damaged ones are those of :class:`~rcg.datasets.folders.ImageFolder`.

    Args:
        data_root: Folder of the files ``*.tar``, in any nesting.
        pipeline: Transforms, ending in a crop unless all have one size.
        num_images: Take this many, evenly spread. None takes all.
        classes: Names of the classes; by default the numbers.
        upright: Turn photographs as their EXIF tag says.
        bits, max_memory: See :class:`~rcg.datasets.file_images.FileImages`.

    Raises:
        FileNotFoundError: There is no tar file, or no image in one.
        RuntimeError: While reading: a shard is gone or has changed, or more
            images are bad than :func:`~rcg.datasets.bad_files.allowed_bad`
            says.
        ValueError: A shard cannot be read, labels are missing or out of range,
            or an argument is out of range.
    """

    def __init__(self, data_root: str, pipeline: Sequence[dict] = (),
                 num_images: int | None = None,
                 classes: Sequence[str] | None = None, upright: bool = True,
                 bits: int = 16, max_memory: int = 1 << 30) -> None:
        root = os.path.expanduser(data_root)
        self.upright = upright
        self.shards = ShardImages(root, list_shards(root))
        if not len(self.shards):
            raise FileNotFoundError(
                f"The folder '{root}' (from {os.getcwd()}) holds no tar file "
                'with images. TarShards needs files *.tar with 000.jpg and '
                'so on; a folder of images is an ImageFolder.')
        self._chosen = evenly_spread(len(self.shards), num_images)
        labels = self.shards.labels()
        if labels is not None:
            known = range(int(labels.max()) + 1)
            classes = [*map(str, known)] if classes is None else classes
            if len(classes) < len(known):
                raise ValueError(
                    f'the dataset has labels up to {known[-1]}, but `classes` '
                    f'has {len(classes)} names: name all.')
            labels = labels[np.asarray(self._chosen)]
        elif classes is not None:
            raise ValueError(f"the tar shards of '{root}' have no labels "
                             '(files .cls), but `classes` is set: remove '
                             'it, or add the labels.')
        paths = Chosen(self.shards, self._chosen)
        super().__init__(root, paths, allowed_bad(len(paths)), labels,
                         classes, pipeline, bits, max_memory)

    def identity(self) -> Iterable[bytes]:
        yield self.reading
        for shard, head in zip(self.shards.shards, self.shards.heads,
                               strict=True):
            yield os.fsencode(shard) + f' {head.size} {head.digest}'.encode()

    def read_file(self, index: int) -> np.ndarray:
        try:
            content = self.shards.content(self._chosen[index])
        except OSError as error:  # not a bad image: all of the shard's
            raise RuntimeError(f'{error}: a tar shard cannot be read any '
                               'more; put it back and go on with --resume.'
                               ) from error
        with decode_image(content) as image:
            return to_rgb(image, self.upright, self.bits)
