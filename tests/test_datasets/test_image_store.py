"""Images that are kept in memory are those that are read."""
import copy

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from rcg.datasets import ImageFolder, StreamSampler, collate_batch
from rcg.datasets.image_store import ImageStore

SIZE, COUNT = 8, 20
CROP = [{'type': 'Resize', 'size': SIZE}, {'type': 'CenterCrop', 'size': SIZE}]
RANDOM = [{'type': 'RandomCrop', 'size': 6}, {'type': 'RandomFlip'}]


@pytest.fixture
def root(tmp_path):
    """Class folders of images, of which the first cannot be read."""
    rng = np.random.default_rng(0)
    for i in range(COUNT):
        path = tmp_path / 'ab'[i % 2] / f'{i:02}.png'
        path.parent.mkdir(exist_ok=True)
        pixels = rng.integers(0, 256, (10 + i, 12, 3), np.uint8)
        Image.fromarray(pixels).save(path)
    (tmp_path / 'a' / '00.png').write_bytes(b'no image')
    return tmp_path


def passes(dataset, count, num_workers=0):
    batches = iter(DataLoader(
        dataset, COUNT, num_workers=num_workers, collate_fn=collate_batch,
        sampler=StreamSampler(dataset, 0)))
    return [next(batches) for _ in range(count)]


def remove_images(root):
    for path in root.rglob('*.png'):
        path.unlink()


@pytest.mark.parametrize('rest', [[], RANDOM, RANDOM + CROP])
@pytest.mark.parametrize('num_workers', [0, 2])
def test_batches_are_those_without(root, rest, num_workers):
    kept, read = (ImageFolder(root, CROP + rest, max_memory=size)
                  for size in (1 << 20, 0))
    for one, other in zip(passes(kept, 4, num_workers), passes(read, 4),
                          strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize('num_workers', [0, 2])
def test_files_are_read_twice_at_most(root, num_workers):
    """Workers share what is kept: none has seen all images."""
    dataset = ImageFolder(root, CROP)
    earlier = passes(dataset, 5, num_workers)[0]
    remove_images(root / 'b')
    remove_images(root / 'a')
    items = dataset.__getitems__(range(1, COUNT))
    order = earlier['indices'].argsort()[1:]
    assert torch.equal(items.columns['images'], earlier['images'][order])


def test_one_pass_keeps_nothing(root):
    """References are read once; their images would only take memory."""
    dataset = ImageFolder(root, CROP)
    passes(dataset, 1)
    kept = dataset._store._rows.any((1, 2, 3))
    assert kept.sum() == 1  # the one in place of the bad file


@pytest.mark.parametrize('options', [
    {'max_memory': COUNT * SIZE * SIZE * 3 - 1},
    {'pipeline': CROP[:1]},
    {'pipeline': [*CROP[:1], {'type': 'RandomCrop', 'size': SIZE}]},
    {'pipeline': ()}])
def test_nothing_is_kept_if_not_all_fits(root, options):
    assert ImageFolder(root, **{'pipeline': CROP, **options})._store is None
    assert ImageFolder(root, CROP, max_memory=COUNT * SIZE * SIZE * 3
                       )._store is not None


def test_copies_for_other_processes_keep_nothing(root):
    dataset = ImageFolder(root, CROP)
    other = copy.deepcopy(dataset)
    assert other._store is None
    assert torch.equal(other[1]['images'], dataset[1]['images'])


def test_an_image_that_is_being_written_does_not_count():
    store, image = ImageStore(2, 4), np.full((4, 4, 3), 7, np.uint8)
    store.put(1, image)
    assert store.get(1) is None
    store.put(1, image)
    found = store.get(1)
    assert (found == image).all()
    found[:] = 0  # a copy
    assert (store.get(1) == image).all()
    store._rows[1, 3, 3, 2] = 0
    assert store.get(1) is None
    assert store.get(0) is None
