"""CIFAR-10, downloaded through torchvision."""
import os
from collections.abc import Sequence

from mmengine.dist import barrier, is_main_process

from rcg.datasets.images import ArrayDataset
from rcg.registry import DATASETS


@DATASETS.register_module()
class CIFAR10(ArrayDataset):
    """CIFAR-10: 60,000 images of 32x32 in ten classes.

    Args:
        data_root: Folder of ``cifar-10-batches-py``; downloaded into it (170
            MB) by the first process if it is not there.
        split: 'train' (50,000 images) or 'test' (10,000).
        pipeline: Configs of transforms.

    Raises:
        ConnectionError: The files are not there and cannot be downloaded.
    """

    def __init__(self, data_root: str = 'data/cifar10', split: str = 'train',
                 pipeline: Sequence[dict] = ()) -> None:
        if split not in ('train', 'test'):
            raise ValueError("split must be 'train' or 'test', got "
                             f'{split!r}.')
        root, train = os.path.expanduser(data_root), split == 'train'
        if is_main_process():
            _fetch(root, train)
        barrier()
        cifar = _torchvision_cifar(root, train)
        super().__init__(cifar.data, cifar.targets, cifar.classes, pipeline)


def _torchvision_cifar(root: str, train: bool, download: bool = False):
    # Here, because it takes a second and only CIFAR-10 needs it.
    from torchvision import datasets
    return datasets.CIFAR10(root, train, download=download)


def _fetch(root: str, train: bool) -> None:
    try:
        _torchvision_cifar(root, train, download=True)
    except (OSError, RuntimeError) as error:
        raise ConnectionError(
            f"CIFAR-10 is not in '{root}' and could not be downloaded "
            f'({error}). On a machine without network, put the folder '
            'cifar-10-batches-py (from cifar-10-python.tar.gz of '
            'https://www.cs.toronto.edu/~kriz/cifar.html) there.') from error
