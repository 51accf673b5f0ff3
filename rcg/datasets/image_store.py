"""Decoded images in memory, shared by a process and its data workers."""
import mmap
import zlib
from collections.abc import Sequence

import numpy as np

from rcg.datasets.transforms import CenterCrop, Transform

_SEEN = 1  # instead of a checksum: asked for, not kept


class ImageStore:
    """Keeps images of one size from the second time on that they are read.

    Who reads each image once, as the statistics of a reference do, thus takes
    no memory. Processes that are forked share it, one copy in all; so make it
    before the workers of a data loader start.

    Nothing is locked. An image counts if its checksum does: one that another
    process is writing does not yet.

    Args:
        count: Number of images.
        side: Their height and width, in pixels.
    """

    def __init__(self, count: int, side: int) -> None:
        self._rows = _shared(count * side**2 * 3, np.uint8).reshape(
            count, side, side, 3)
        self._sums = _shared(count * 8, np.int64)

    def get(self, index: int) -> np.ndarray | None:
        """A copy of an image (H, W, 3); None if it is not kept."""
        wanted = self._sums[index]
        if wanted <= _SEEN:
            return None
        image = self._rows[index].copy()
        return image if _checksum(image) == wanted else None

    def put(self, index: int, image: np.ndarray) -> None:
        """Keep an image (H, W, 3) uint8, unless this is its first time."""
        if self._sums[index] == 0:
            self._sums[index] = _SEEN
            return
        self._rows[index] = image
        self._sums[index] = _checksum(self._rows[index])


def store_for(transforms: Sequence[Transform], count: int,
              max_memory: int) -> ImageStore | None:
    """A store for transformed images; None if there is no place for all.

    Args:
        transforms: What they have gone through. A crop at the end tells their
            size; without one, they are not kept.
        count: Number of images.
        max_memory: Bytes that they may take.
    """
    last = transforms[-1] if transforms else None
    if not isinstance(last, CenterCrop) or (
            count * last.size**2 * 3 > max_memory):
        return None
    try:
        return ImageStore(count, last.size)
    except OSError:  # the system grants no more
        return None


def _checksum(image: np.ndarray) -> int:
    return zlib.crc32(image) + _SEEN + 1


def _shared(size: int, dtype: type) -> np.ndarray:
    """Zeros; the system gives memory to the pages that are written to.

    Other than torch's shared memory it is not limited by /dev/shm, which
    containers have 64 MB of.
    """
    return np.frombuffer(mmap.mmap(-1, size), dtype)
