"""The handwritten digits that are bundled with scikit-learn."""
import gzip
import importlib.util
import os
from collections.abc import Sequence

import mmcv
import numpy as np

from rcg.datasets.images import ArrayDataset
from rcg.registry import DATASETS

NUM_HELD_OUT = 359  # a fifth of the 1,797 digits


def read_digits() -> tuple[np.ndarray, np.ndarray]:
    """Read the digits that scikit-learn carries.

    Returns:
        Images (1797, 8, 8) of values 0 to 16, and labels (1797,).
    """
    # Straight from the file: importing sklearn.datasets takes a second, and
    # the quick start would do it in every one of its processes.
    package = os.path.dirname(importlib.util.find_spec('sklearn').origin)
    path = os.path.join(package, 'datasets', 'data', 'digits.csv.gz')
    if not os.path.exists(path):
        from sklearn.datasets import load_digits
        bundle = load_digits()
        return bundle.images, bundle.target
    with gzip.open(path, 'rt') as file:
        table = np.loadtxt(file, delimiter=',')
    return table[:, :-1].reshape(-1, 8, 8), table[:, -1].astype(np.int64)


def split_classwise(labels: np.ndarray, num_held_out: int) -> np.ndarray:
    """Choose held-out samples, the same share of every class.

    Args:
        labels (N,): Class of every sample.
        num_held_out: How many to hold out.

    Returns:
        (N,): True where a sample is held out; always the same ones.
    """
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

    The digits are those of the UCI "Optical Recognition of Handwritten
    Digits" test set, as bundled with scikit-learn.

    Args:
        split: 'train' (1,438 digits) or 'test' (359, held out). The same
            share of every class is held out, and always the same digits.
        pipeline: Configs of transforms.
    """

    def __init__(self, split: str = 'train',
                 pipeline: Sequence[dict] = ()) -> None:
        if split not in ('train', 'test'):
            raise ValueError("split must be 'train' or 'test', got "
                             f'{split!r}.')
        digits, labels = read_digits()
        held_out = split_classwise(labels, NUM_HELD_OUT)
        chosen = held_out if split == 'test' else ~held_out
        gray = np.rint(digits[chosen] * (255 / 16)).astype(np.uint8)
        large = np.stack([
            mmcv.imresize(image, (16, 16), interpolation='bicubic',
                          backend='pillow') for image in gray
        ])
        images = np.repeat(large[..., None], 3, -1)  # (N, 16, 16, 3)
        super().__init__(images, labels[chosen],
                         [str(digit) for digit in range(10)], pipeline)
