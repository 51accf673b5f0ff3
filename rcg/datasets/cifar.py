"""CIFAR-10."""
import os
from collections.abc import Sequence

from mmengine.dist import barrier, is_main_process

from rcg.datasets.arrays import ArrayDataset, check_split
from rcg.registry import DATASETS


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
        check_split(split)
        root = os.path.expanduser(data_root)
        if not is_main_process():
            barrier()  # until the first process has downloaded it
        try:
            # torchvision checks the published MD5 sums before it unpickles.
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
