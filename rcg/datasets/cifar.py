"""CIFAR-10."""
import hashlib
import io
import os
import pickle
import tarfile
from collections.abc import Iterable, Sequence

import numpy as np

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

from rcg.checkpoint import download, file_sha256, inert, open_atomically
from rcg.datasets.arrays import ArrayDataset, check_split
from rcg.registry import DATASETS

URL = 'https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz'
# As Keras (keras/src/datasets/cifar10.py) and torchvision (prototype/datasets/
# _builtin/cifar.py) state it.
SHA256 = '6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce'
FOLDER = 'cifar-10-batches-py'
# MD5 sums of the files inside, as torchvision has them. They find damage; a
# crafted file with one of them would still run nothing.
FILES = {
    'data_batch_1': 'c99cafc152244af753f735de768cd75f',
    'data_batch_2': 'd4bba439e000b95fd0a9bffe97cbabec',
    'data_batch_3': '54ebc095f3ab1f0389bbae665268c751',
    'data_batch_4': '634d18415352ddfa80567beed471001a',
    'data_batch_5': '482c414d41f54cd18b22e5b47cb7c3cb',
    'test_batch': '40351d587109b95175f43aff81a1287e',
    'batches.meta': '5ff9c542aee3614f3951f8cda6e48888'}
_MAX_BYTES = 64 << 20  # a batch has 31 MB


@DATASETS.register_module()
class CIFAR10(ArrayDataset):
    """CIFAR-10: 60,000 images of 32x32 in ten classes.

    The archive is compared with its published SHA-256 before it is unpacked.
    Nothing in the files is executed, although they are pickles.

    Args:
        data_root: Folder of ``cifar-10-batches-py``. If that is missing or
            damaged, ``cifar-10-python.tar.gz`` beside it is unpacked. If that
            is missing or damaged, it is downloaded (170 MB). One process at a
            time does so.
        split: 'train' (50,000 images) or 'test' (10,000).
        pipeline: Configs of transforms.

    Raises:
        ConnectionError: The files are not there and cannot be downloaded.
    """

    def __init__(self, data_root: str = 'data/cifar10', split: str = 'train',
                 pipeline: Sequence[dict] = ()) -> None:
        check_split(split)
        root = os.path.expanduser(data_root)
        start = 'data' if split == 'train' else 'test'
        names = [name for name in FILES if name.startswith(start)]
        files = _read(root, [*names, 'batches.meta'])
        if files is None:
            _unpack(root)
            files = _read(root, [*names, 'batches.meta'])
        if files is None:
            raise ConnectionError(f"the files in '{root}/{FOLDER}' are not "
                                  f'those of {URL}, although just unpacked.')
        batches = [_content(files[name]) for name in names]
        images = np.concatenate([_pixels(batch['data']) for batch in batches])
        super().__init__(
            images.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1),
            [label for batch in batches for label in batch['labels']],
            _content(files['batches.meta'])['label_names'], pipeline)


def _read(root: str, names: Iterable[str]) -> dict[str, bytes] | None:
    """Files by name; None if one is missing, or not the published one."""
    files = {}
    for name in names:
        path = os.path.join(root, FOLDER, name)
        if not os.path.isfile(path):
            return None
        with open(path, 'rb') as file:
            files[name] = file.read(_MAX_BYTES)
        digest = hashlib.md5(files[name], usedforsecurity=False)
        if digest.hexdigest() != FILES[name]:
            return None
    return files


def _unpack(root: str) -> None:
    """Unpack the archive, after a download if need be.

    The first process that comes does it, while the others wait. They wait for
    a lock and not for each other: a dataset may be built on one process
    alone.

    Raises:
        ConnectionError: There is no archive, and it cannot be downloaded.
    """
    archive = os.path.join(root, os.path.basename(URL))
    try:
        os.makedirs(root, exist_ok=True)
        with open(os.path.join(root, '.download.lock'), 'wb') as lock:
            if fcntl is not None:
                fcntl.flock(lock, fcntl.LOCK_EX)
            if _read(root, FILES) is not None:  # another process was faster
                return
            if (not os.path.isfile(archive)
                    or file_sha256(archive) != SHA256):
                download(URL, archive, SHA256)
            _extract(archive, os.path.join(root, FOLDER))
    except OSError as error:
        raise ConnectionError(
            f"CIFAR-10 is not in '{root}', or is damaged there, and could "
            f'not be downloaded ({error}). On a machine without network, put '
            f'cifar-10-python.tar.gz of https://www.cs.toronto.edu/~kriz/'
            f'cifar.html there, or the folder {FOLDER} inside it.') from error


def _extract(archive: str, folder: str) -> None:
    """Write the known files of a checked archive, and nothing else."""
    os.makedirs(folder, exist_ok=True)
    with tarfile.open(archive) as tar:
        for name in FILES:
            content = tar.extractfile(f'{FOLDER}/{name}').read()
            with open_atomically(os.path.join(folder, name)) as file:
                file.write(content)


class _Unpickler(inert.InertUnpickler):
    """Reads pickles of Python 2, in which bytes are strings."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, {}, inert.Placeholder)
        self.encoding = 'latin1'


def _content(pickled: bytes) -> dict:
    return _Unpickler(io.BytesIO(pickled)).load()


def _pixels(array: inert.Placeholder) -> np.ndarray:
    """The pixels (N, 3072) of what the unpickler put in an array's place.

    Raises:
        UnpicklingError: It is no such array.
    """
    try:
        _, shape, dtype, _, raw = array.state
        raw = raw.encode('latin1') if isinstance(raw, str) else raw
        if dtype.args[0] != 'u1' or shape[1:] != (3072, ):
            raise ValueError(f'{dtype.args[0]} of shape {shape}')
        return np.frombuffer(raw, np.uint8).reshape(shape)
    except (AttributeError, TypeError, ValueError) as error:
        raise pickle.UnpicklingError(
            f'wanted an array of bytes (N, 3072), got {error}') from error
