"""Images in npz files."""
import os
from collections.abc import Iterable, Sequence

import numpy as np

from rcg.datasets.arrays import ArrayDataset
from rcg.datasets.npz import map_array
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
        ValueError: It is damaged, or holds no such array.
    """

    def __init__(self, path: str, pipeline: Sequence[dict] = ()) -> None:
        path = os.path.expanduser(path)
        try:
            images = map_array(path, 'arr_0')
        except ValueError as error:
            raise ValueError(
                f'{error} Of images it needs arr_0, as np.savez names its '
                'first array.') from error
        if (images.dtype != np.uint8 or images.ndim != 4
                or images.shape[3] != 3 or not images.size):
            raise ValueError(
                f"'{path}': arr_0 must be uint8 (N, H, W, 3), got "
                f'{images.dtype} {images.shape}.')
        super().__init__(images, None, None, pipeline)

    def identity(self) -> Iterable[bytes]:
        for start in range(0, len(self), 1000):
            yield self.images[start:start + 1000].tobytes()
