"""Base of the datasets whose images are files, a few of them damaged."""
from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from rcg.datasets.bad_files import BadFiles
from rcg.datasets.image_store import store_for
from rcg.datasets.images import ImageDataset
from rcg.datasets.reading import UNREADABLE


class FileImages(ImageDataset):
    """Images that are read one by one; for one that is bad, the next is taken.

    A file that cannot be read is named in a warning. The next one that can be
    read takes its place, the same each time.

    Args:
        root: What the files are in; for messages.
        paths: Their names, relative to it.
        allowed: How many of them may be bad.
        labels, classes, pipeline: See :class:`ImageDataset`.
        bits: Of the values in 16-bit gray files, from 8 to 16; see
            :func:`~rcg.datasets.reading.read_image`.
        max_memory: Bytes that images may take which are kept in memory, as
            they are before the first random transform. They are kept if
            there is room for all and a CenterCrop has made them one size; see
            :class:`~rcg.datasets.image_store.ImageStore`. The data workers of
            a process share them.

    Raises:
        RuntimeError: While reading: more files are bad than ``allowed``.
        ValueError: ``bits`` is out of range.
    """
    # Whether photographs are turned as their EXIF tag says.
    upright = True

    def __init__(self, root: str, paths: Sequence[str], allowed: int,
                 labels: Sequence[int] | None, classes: Sequence[str] | None,
                 pipeline: Sequence[dict], bits: int, max_memory: int) -> None:
        if not 8 <= bits <= 16:
            raise ValueError('bits, those of the values in files of 16 bits, '
                             f'must be from 8 to 16, got {bits}.')
        super().__init__(labels, classes, pipeline)
        self.root, self.paths, self.bits = root, paths, bits
        self._bad = BadFiles(root, paths, allowed)
        self._store = store_for(self.fixed_transforms, len(paths), max_memory)

    def __getstate__(self) -> dict:
        """Without the images: each copy would keep its own."""
        return {**self.__dict__, '_store': None}

    def __len__(self) -> int:
        return len(self.paths)

    @abstractmethod
    def read_file(self, index: int) -> np.ndarray:
        """Read one file as RGB (H, W, 3) uint8.

        Raises:
            OSError, ValueError: It is bad; another one takes its place.
        """

    @property
    def bad_files(self) -> list[str]:
        """Files that this process or its workers failed to read so far."""
        return self._bad.names()

    def check_files(self) -> None:
        """Judge what a training has read; see :meth:`BadFiles.check
        <rcg.datasets.bad_files.BadFiles.check>`."""
        self._bad.check()

    @property
    def reading(self) -> bytes:
        """What makes other pixels of the same files, for ``identity``."""
        deep = '' if self.bits == 16 else f' bits={self.bits}'
        return f'upright={self.upright}{deep}'.encode()

    def read(self, index: int) -> tuple[np.ndarray, int]:
        for candidate in range(index, index + len(self)):
            candidate %= len(self)
            if candidate in self._bad:
                continue
            try:
                image = self.read_file(candidate)
            except UNREADABLE as error:
                self._bad.add(candidate, error)
            else:
                self._bad.add_good(candidate)
                return image, candidate
        raise RuntimeError(f"No image in '{self.root}' can be read.")

    def prepare(self, index: int) -> tuple[np.ndarray, int]:
        if self._store is None:
            return super().prepare(index)
        image = self._store.get(index)
        if image is None:
            image, index = super().prepare(index)
            self._store.put(index, image)
        return image, index
