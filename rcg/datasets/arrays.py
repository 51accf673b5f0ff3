"""Images in arrays: npz files, CIFAR-10, the digits of scikit-learn."""
import importlib.util
import os
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence

import numpy as np
from mmengine.dist import barrier, is_main_process
from PIL import Image
from torch import Tensor

from rcg.datasets.images import ImageDataset, to_tensor
from rcg.datasets.stream import StreamItem
from rcg.registry import DATASETS

NUM_HELD_OUT = 359  # a fifth of the 1,797 digits


class ArrayDataset(ImageDataset):
    """Images (N, H, W, 3) uint8 RGB in memory; see :class:`ImageDataset`."""
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


@DATASETS.register_module()
class ImageArchive(ArrayDataset):
    """``arr_0`` (N, H, W, 3) uint8 of an npz file; it stays on disk.

    ADM (arXiv:2105.05233) publishes images so.

    Raises:
        FileNotFoundError, ValueError: It is missing, damaged, something else.
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


@DATASETS.register_module()
class CIFAR10(ArrayDataset):
    """CIFAR-10: 60,000 images of 32x32 in ten classes.

    Args:
        data_root: Folder of ``cifar-10-batches-py``; the first process
            downloads it into there (170 MB) if it is missing.
        split: 'train' (50,000 images) or 'test' (10,000).
        pipeline: Configs of transforms.

    Raises:
        ConnectionError: The files are not there and cannot be downloaded.
    """

    def __init__(self, data_root: str = 'data/cifar10', split: str = 'train',
                 pipeline: Sequence[dict] = ()) -> None:
        from torchvision import datasets  # takes a second
        _check_split(split)
        root = os.path.expanduser(data_root)
        if not is_main_process():
            barrier()  # until the first has downloaded it
        try:
            # It compares MD5 sums with the published ones, then unpickles.
            cifar = datasets.CIFAR10(root, split == 'train',
                                     download=is_main_process())
        except (OSError, RuntimeError) as error:
            raise ConnectionError(
                f"CIFAR-10 is not in '{root}' and could not be downloaded "
                f'({error}). On a machine without network, put the folder '
                'cifar-10-batches-py there, from cifar-10-python.tar.gz of '
                'https://www.cs.toronto.edu/~kriz/cifar.html.') from error
        if is_main_process():
            barrier()
        super().__init__(cifar.data, cifar.targets, cifar.classes, pipeline)


def _check_split(split: str) -> None:
    if split not in ('train', 'test'):
        raise ValueError(f"split must be 'train' or 'test', got {split!r}.")


def read_digits() -> tuple[np.ndarray, np.ndarray]:
    """Images (1797, 8, 8) of values 0 to 16, and labels (1797,)."""
    # Straight from the file: importing sklearn.datasets takes a second, in
    # every process of the quick start.
    package = os.path.dirname(importlib.util.find_spec('sklearn').origin)
    path = os.path.join(package, 'datasets', 'data', 'digits.csv.gz')
    if not os.path.exists(path):
        from sklearn.datasets import load_digits
        bundle = load_digits()
        return bundle.images, bundle.target
    table = np.loadtxt(path, delimiter=',')
    return table[:, :-1].reshape(-1, 8, 8), table[:, -1].astype(np.int64)


def split_classwise(labels: np.ndarray, num_held_out: int) -> np.ndarray:
    """Hold out (True) the same share of every class; always the same ones."""
    classes, counts = np.unique(labels, return_counts=True)
    quotas = counts * num_held_out / len(labels)
    shares = quotas.astype(int)
    # Largest remainders get the places that are left.
    order = np.argsort(shares - quotas, kind='stable')
    shares[order[:num_held_out - shares.sum()]] += 1
    rng = np.random.RandomState(0)  # its stream is frozen by NumPy
    held_out = np.zeros(len(labels), bool)
    for label, share in zip(classes, shares, strict=True):
        members = np.flatnonzero(labels == label)
        held_out[rng.permutation(members)[:share]] = True
    return held_out


@DATASETS.register_module()
class Digits(ArrayDataset):
    """1,797 digits of 8x8, enlarged to 16x16 RGB; needs no download.

    Those of the UCI "Optical Recognition of Handwritten Digits" test set, as
    bundled with scikit-learn.

    Args:
        split: 'train' (1,438 digits) or 'test' (359, held out, the same
            share of every class and always the same digits).
        pipeline: Configs of transforms.
    """

    def __init__(self, split: str = 'train',
                 pipeline: Sequence[dict] = ()) -> None:
        _check_split(split)
        digits, labels = read_digits()
        chosen = split_classwise(labels, NUM_HELD_OUT) == (split == 'test')
        gray = np.rint(digits[chosen] * (255 / 16)).astype(np.uint8)
        images = np.stack([
            Image.fromarray(digit).resize((16, 16), Image.Resampling.BICUBIC)
            .convert('RGB') for digit in gray])
        super().__init__(images, labels[chosen], '0123456789', pipeline)
