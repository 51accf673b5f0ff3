"""Images in npz files."""
import os
from collections.abc import Iterable, Sequence

import numpy as np
from torch import Tensor

from rcg.datasets.arrays import ArrayDataset
from rcg.datasets.npz import map_array
from rcg.datasets.stream import StreamItem
from rcg.registry import DATASETS


@DATASETS.register_module()
class ImageArchive(ArrayDataset):
    """Images of an npz file, the format of ADM (arXiv:2105.05233).

    The images stay on disk (memory-mapped) if the file is uncompressed.

    Args:
        path: File with an array ``arr_0`` (N, H, W, 3) of uint8 RGB.
        pipeline: Configs of transforms.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is damaged, or holds no such array; while reading, it
            was truncated in the meantime.
    """

    def __init__(self, path: str, pipeline: Sequence[dict] = ()) -> None:
        path = os.path.expanduser(path)
        try:
            images = map_array(path, 'arr_0')
        except ValueError as error:
            raise ValueError(
                f'{error} Images must be in the array arr_0, the name that '
                'np.savez gives to its first array.') from error
        if (images.dtype != np.uint8 or images.ndim != 4
                or images.shape[3] != 3 or not images.size):
            raise ValueError(
                f"'{path}': arr_0 must be uint8 (N, H, W, 3), got "
                f'{images.dtype} {images.shape}.')
        self._path = os.path.abspath(path)
        self._status = os.stat(self._path)
        super().__init__(images, None, None, pipeline)

    def images_of(self, items: list[StreamItem],
                  indices: list[int]) -> tuple[Tensor, list[int]]:
        self._check_size()
        return super().images_of(items, indices)

    def _check_size(self) -> None:
        """Refuse a mapped file that was cut off.

        Reading it would end the process without a word (SIGBUS). A file that
        was replaced or deleted stays readable.
        """
        if not isinstance(self.images, np.memmap):
            return
        try:
            now = os.stat(self._path)
        except OSError:
            return
        was = self._status
        if now.st_ino == was.st_ino and now.st_size < was.st_size:
            raise ValueError(
                f"'{self._path}' was cut off while it was in use, from "
                f'{was.st_size} to {now.st_size} bytes: restore it, then go '
                'on with --resume. To change a file that is in use, write '
                'another one and rename it.')

    def identity(self) -> Iterable[bytes]:
        for start in range(0, len(self), 1000):
            self._check_size()
            yield self.images[start:start + 1000].tobytes()
