"""Images in npz files."""
import os
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence

import numpy as np

from rcg.datasets.arrays import ArrayDataset
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
        try:
            images = _map_array(os.path.expanduser(path), 'arr_0.npy')
            if images.dtype != np.uint8 or images.shape[3:] != (3, ):
                raise ValueError('arr_0 must be uint8 (N, H, W, 3), got '
                                 f'{images.dtype} {images.shape}')
        except (zipfile.BadZipFile, KeyError, ValueError, zlib.error,
                struct.error) as error:
            raise ValueError(
                f"'{path}' is no npz file of images, or a damaged or "
                f'truncated one ({error}). It needs arr_0, as np.savez names '
                'its first array.') from error
        super().__init__(images, None, None, pipeline)

    def identity(self) -> Iterable[bytes]:
        for start in range(0, len(self), 1000):
            yield self.images[start:start + 1000].tobytes()


def _map_array(path: str, name: str) -> np.ndarray:
    """An array of an npz file: memory-mapped, or read if compressed."""
    with open(path, 'rb') as file, zipfile.ZipFile(file) as archive:
        info, member = archive.getinfo(name), archive.open(name)
        if info.compress_type != zipfile.ZIP_STORED:
            return np.lib.format.read_array(member, allow_pickle=False)
        version = np.lib.format.read_magic(member)[0]
        shape, fortran, dtype = getattr(
            np.lib.format, f'read_array_header_{version}_0')(member)
        if dtype.hasobject:
            raise ValueError(f'{name} holds Python objects, never read')
        file.seek(info.header_offset + 26)  # lengths of name and extra field
        extra = sum(struct.unpack('<HH', file.read(4)))
        start = info.header_offset + 30 + extra + member.tell()
    return np.memmap(path, dtype, 'r', start, shape, 'F' if fortran else 'C')
