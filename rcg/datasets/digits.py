"""The handwritten digits that come with scikit-learn."""
import importlib.util
import os
from collections.abc import Sequence

import numpy as np
from PIL import Image

from rcg.datasets.arrays import ArrayDataset, check_split
from rcg.registry import DATASETS

NUM_HELD_OUT = 359  # a fifth of the 1,797 digits


def read_digits() -> tuple[np.ndarray, np.ndarray]:
    """Images (1797, 8, 8) of values 0 to 16, and labels (1797,)."""
    # Importing sklearn.datasets takes a second, in every process of the quick
    # start; reading its file does not.
    package = os.path.dirname(importlib.util.find_spec('sklearn').origin)
    path = os.path.join(package, 'datasets', 'data', 'digits.csv.gz')
    if not os.path.exists(path):
        from sklearn.datasets import load_digits
        bundle = load_digits()
        return bundle.images, bundle.target
    table = np.loadtxt(path, delimiter=',')
    return table[:, :-1].reshape(-1, 8, 8), table[:, -1].astype(np.int64)


def split_classwise(labels: np.ndarray, num_held_out: int) -> np.ndarray:
    """Choose images to hold out, the same share of every class.

    Args:
        labels (N,): Class of every image.
        num_held_out: How many in all.

    Returns:
        (N,): True for those held out; the same ones each time.
    """
    classes, counts = np.unique(labels, return_counts=True)
    quotas = counts * num_held_out / len(labels)
    shares = quotas.astype(int)
    # Rounding down leaves places; the largest remainders get one each.
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

    They are the test set of the UCI "Optical Recognition of Handwritten
    Digits", as scikit-learn bundles it.

    Args:
        split: 'train' (1,438 digits) or 'test' (359, held out, the same
            share of every class and always the same digits).
        pipeline: Configs of transforms.
    """

    def __init__(self, split: str = 'train',
                 pipeline: Sequence[dict] = ()) -> None:
        check_split(split)
        digits, labels = read_digits()
        chosen = split_classwise(labels, NUM_HELD_OUT) == (split == 'test')
        gray = np.rint(digits[chosen] * (255 / 16)).astype(np.uint8)
        images = np.stack([
            Image.fromarray(digit).resize((16, 16), Image.Resampling.BICUBIC)
            .convert('RGB') for digit in gray])
        super().__init__(images, labels[chosen], '0123456789', pipeline)
