"""CIFAR-10."""
import os
from collections.abc import Sequence

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

from rcg.datasets.arrays import ArrayDataset, check_split
from rcg.registry import DATASETS


@DATASETS.register_module()
class CIFAR10(ArrayDataset):
    """CIFAR-10: 60,000 images of 32x32 in ten classes.

    Args:
        data_root: Folder of ``cifar-10-batches-py``; it is downloaded into
            there (170 MB) if it is missing, by one process at a time.
        split: 'train' (50,000 images) or 'test' (10,000).
        pipeline: Configs of transforms.

    Raises:
        ConnectionError: The files are not there and cannot be downloaded.
    """

    def __init__(self, data_root: str = 'data/cifar10', split: str = 'train',
                 pipeline: Sequence[dict] = ()) -> None:
        from torchvision import datasets  # takes a second
        check_split(split)
        root = os.path.expanduser(data_root)
        train = split == 'train'
        try:
            # torchvision checks the published MD5 sums before it unpickles.
            cifar = datasets.CIFAR10(root, train)
        except (OSError, RuntimeError):  # not there
            cifar = _download(datasets.CIFAR10, root, train)
        super().__init__(cifar.data, cifar.targets, cifar.classes, pipeline)


def _download(cls, root: str, train: bool):
    """Let the first process that comes download, while the others wait.

    They wait for a lock and not for each other: a dataset may be built on one
    process alone.
    """
    try:
        os.makedirs(root, exist_ok=True)
        with open(os.path.join(root, '.download.lock'), 'w') as lock:
            if fcntl is not None:
                fcntl.flock(lock, fcntl.LOCK_EX)
            return cls(root, train, download=True)
    except (OSError, RuntimeError) as error:
        raise ConnectionError(
            f"CIFAR-10 is not in '{root}' and could not be downloaded "
            f'({error}). On a machine without network, put the folder '
            'cifar-10-batches-py there, from cifar-10-python.tar.gz of '
            'https://www.cs.toronto.edu/~kriz/cifar.html.') from error
