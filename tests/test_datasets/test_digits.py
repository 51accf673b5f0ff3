import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from rcg.datasets import Digits
from rcg.datasets.digits import read_digits, split_classwise


def test_reads_what_scikit_learn_reads():
    images, labels = read_digits()
    bundle = load_digits()
    assert (images == bundle.images).all()
    assert (labels == bundle.target).all()


def test_splits_have_the_stated_sizes_and_share_nothing():
    train, test = Digits('train'), Digits('test')
    assert (len(train), len(test)) == (1438, 359)
    _, labels = read_digits()
    held_out = split_classwise(labels, 359)
    assert (train.labels == labels[~held_out]).all()
    assert (test.labels == labels[held_out]).all()


def test_split_is_stratified_and_fixed():
    counts = np.bincount(Digits('test').labels)
    _, labels = read_digits()
    assert np.abs(counts - np.bincount(labels) * 359 / 1797).max() < 1
    # Scores are compared over versions: the split must never move.
    held_out = np.flatnonzero(split_classwise(labels, 359))
    assert held_out[:8].tolist() == [3, 7, 13, 19, 36, 38, 43, 48]
    assert int(held_out.sum()) == 311827


def test_images_are_bicubic_enlargements():
    image = Digits('test')[0]['images']
    assert image.dtype == torch.uint8
    assert image.shape == (3, 16, 16)
    assert (image[0] == image[1]).all()
    images, labels = read_digits()
    first = images[split_classwise(labels, 359)][0]
    small = Image.fromarray(np.rint(first * 255 / 16).astype(np.uint8))
    large = np.array(small.resize((16, 16), Image.Resampling.BICUBIC))
    assert (image[0].numpy() == large).all()


def test_has_ten_classes():
    dataset = Digits('test')
    assert dataset.classes == tuple('0123456789')
    assert dataset.metainfo['num_images'] == 359
    assert dataset[5]['labels'] == int(dataset.labels[5])


def test_unknown_split():
    with pytest.raises(ValueError, match="'train' or 'test', got 'val'"):
        Digits('val')
