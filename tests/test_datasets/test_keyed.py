"""Datasets of others under the samplers of rcg."""
import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, Subset

from rcg.datasets import ArrayDataset, KeyedDataset, StreamItem


def images(n=6):
    pixels = np.arange(n * 48, dtype=np.uint8).reshape(n, 4, 4, 3)
    return ArrayDataset(pixels, None, None,
                        [dict(type='RandomCrop', size=2)])


def test_items_reach_the_images_inside():
    inside = images()
    dataset = KeyedDataset(ConcatDataset(
        [Subset(inside, [5, 4]), Subset(inside, [0, 1, 2])]))
    for index, source in enumerate([5, 4, 0, 1, 2]):
        item = dataset[StreamItem(index, 70 + index, 3)]
        assert item['indices'] == index
        assert item['keys'].tolist() == [3, 70 + index]
        assert torch.equal(item['images'], inside[
            StreamItem(source, 70 + index, 3)]['images'])


def test_plain_indices_stand_for_themselves_and_wrap_around():
    dataset = KeyedDataset(Subset(images(), range(4)))
    item, = dataset.__getitems__([5])
    assert item['keys'].tolist() == [0, 5]
    assert item['indices'] == 5
    assert (len(dataset), dataset.metainfo) == (4, None)


def test_keys_of_plain_indices_are_replaced():
    dataset = KeyedDataset([dict(keys=torch.zeros(2), value=7)])
    item = dataset[StreamItem(0, 9, 1)]
    assert (item['keys'].tolist(), item['value']) == ([1, 9], 7)


def test_items_must_be_dicts():
    with pytest.raises(TypeError, match='items of list must be dicts'):
        KeyedDataset([1, 2])[0]
