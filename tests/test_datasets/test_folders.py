import os
import time

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from rcg.datasets import (
    ImageFolder,
    ImageNet,
    StreamSampler,
    bad_files,
    collate_batch,
)
from rcg.datasets.folders import (
    folder_classes,
    keep_out,
    left_out,
    list_images,
)


def fill(root, *names, size=(6, 5)):
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', size, (number, 0, 0)).save(
            path, 'PNG' if path.suffix != '.jpg' else 'JPEG')
    return str(root)


@pytest.fixture
def warnings(monkeypatch):
    texts = []
    monkeypatch.setattr(bad_files, 'print_log',
                        lambda text, **kwargs: texts.append(text))
    return texts


def test_finds_images_in_any_nesting_in_a_fixed_order(tmp_path):
    root = fill(tmp_path, 'b.png', 'a/z/1.JPG', 'a/0.webp', 'C.jpeg')
    (tmp_path / 'notes.txt').write_text('x')
    assert list_images(root) == ['C.jpeg', 'a/0.webp', 'a/z/1.JPG', 'b.png']


def test_hidden_files_are_left_out(tmp_path):
    root = fill(tmp_path, 'a.png', '._a.png', '.cache/b.png')
    assert list_images(root) == ['a.png']


@pytest.mark.parametrize('name', ['runs', 'a/b/runs', 'link/runs'])
def test_a_folder_for_results_is_no_part_of_the_images(tmp_path, name):
    root = fill(tmp_path / 'data', 'a/a.png', 'b.png')
    os.symlink(tmp_path / 'data', tmp_path / 'link')
    out = tmp_path / name if 'link' in name else tmp_path / 'data' / name
    assert keep_out(str(out), root)
    fill(out, 'c.png', 'samples/d.png')
    assert list_images(root) == ['a/a.png', 'b.png']
    assert left_out(root) == {'hidden': 1}
    assert list_images(str(out)) == ['c.png', 'samples/d.png']


@pytest.mark.parametrize('name', ['data', 'data2', '.'])
def test_a_folder_elsewhere_is_not_marked(tmp_path, name):
    root = fill(tmp_path / 'data', 'a.png')
    assert not keep_out(str(tmp_path / name), root)
    assert sorted(os.listdir(tmp_path)) == ['data']
    assert os.listdir(root) == ['a.png']


def test_links_are_followed_once(tmp_path):
    root = fill(tmp_path / 'data', 'x/a.png')
    fill(tmp_path / 'elsewhere', 'b.png')
    os.symlink(tmp_path / 'elsewhere', tmp_path / 'data' / 'linked')
    os.symlink(tmp_path / 'data', tmp_path / 'data' / 'x' / 'up')
    assert list_images(root) == ['linked/b.png', 'x/a.png']


def test_some_images_spread_over_the_folder(tmp_path):
    root = fill(tmp_path, 'a/0.png', 'a/1.png', 'b/0.png', 'b/1.png',
                'c/0.png', 'c/1.png')
    some = ImageFolder(root, num_images=3)
    assert list(some.paths) == ['a/0.png', 'b/0.png', 'c/0.png']
    assert some.labels.tolist() == [0, 1, 2]
    two = ImageFolder(root, num_images=2)
    assert (two.labels.tolist(), two.classes) == ([0, 1], ('a', 'b', 'c'))
    assert [*ImageFolder(root, num_images=99).paths] == [
        *ImageFolder(root).paths]
    with pytest.raises(ValueError, match='at least 1, got 0'):
        ImageFolder(root, num_images=0)


@pytest.mark.parametrize(('paths', 'wanted'), [
    (['a.png', 'b.png'], None),
    (['all/a.png', 'all/b.png'], None),
    (['a.png', 'x/b.png'], None),
    (['cat/1.png', 'cat/y/2.png', 'dog/1.png'],
     ([0, 0, 1], ['cat', 'dog']))])
def test_classes_are_the_first_folders(paths, wanted):
    assert folder_classes(paths) == wanted


def test_items_of_a_flat_folder_have_no_labels(tmp_path):
    dataset = ImageFolder(fill(tmp_path, 'a.png', 'b.png'))
    item = dataset[1]
    assert item.keys() == {'keys', 'indices', 'images'}
    assert item['images'].shape == (3, 5, 6)
    assert item['images'][0, 0, 0] == 1


def test_items_of_class_folders_have_labels(tmp_path):
    dataset = ImageFolder(fill(tmp_path, 'x/a.png', 'y/a.png', 'y/b.png'))
    assert dataset.classes == ('x', 'y')
    assert [int(dataset[i]['labels']) for i in range(3)] == [0, 1, 1]


def test_home_folder_is_expanded(tmp_path, monkeypatch):
    fill(tmp_path / 'pictures', 'a.png')
    monkeypatch.setenv('HOME', str(tmp_path))
    assert len(ImageFolder('~/pictures')) == 1


def test_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match='no folder.*ln -s'):
        ImageFolder(str(tmp_path / 'nowhere'))


def test_archive_instead_of_folder(tmp_path):
    (tmp_path / 'images.zip').write_bytes(b'PK')
    with pytest.raises(NotADirectoryError, match='unpack'):
        ImageFolder(str(tmp_path / 'images.zip'))


def test_empty_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match='is empty. Put images'):
        ImageFolder(str(tmp_path))


def test_folder_without_images_lists_what_is_there(tmp_path):
    for name in ('a.tar', 'b.tar', 'c.npy', 'README'):
        (tmp_path / name).write_text('x')
    with pytest.raises(FileNotFoundError,
                       match=r'2 x \.tar, 1 x \.npy, 1 x no extension'):
        ImageFolder(str(tmp_path))


def damaged(tmp_path, count, bad):
    root = fill(tmp_path, *[f'{i:04d}.png' for i in range(count)])
    for index in bad:
        (tmp_path / f'{index:04d}.png').write_bytes(b'broken')
    return ImageFolder(root)


def test_a_corrupt_image_is_named_and_replaced(tmp_path, warnings):
    dataset = damaged(tmp_path, 200, [7, 8])
    item = dataset[7]
    assert item['images'][0, 0, 0] == 9  # the next that can be read
    assert item['indices'] == 7
    assert (dataset[7]['images'] == item['images']).all()
    assert dataset.bad_files == ['0007.png', '0008.png']
    assert len(warnings) == 2  # each file once
    assert '0007.png' in warnings[0]
    assert '1 of 200' in warnings[0]


def test_the_replacement_brings_its_own_label(tmp_path, warnings):
    root = fill(tmp_path, *[f'x/{i}.png' for i in range(100)],
                *[f'y/{i}.png' for i in range(100)])
    dataset = ImageFolder(root)
    last = dataset.paths[99]
    (tmp_path / last).write_bytes(b'')
    assert dataset[99]['labels'] == 1
    assert warnings


def test_the_last_image_is_replaced_by_the_first(tmp_path, warnings):
    dataset = damaged(tmp_path, 100, [99])
    assert (dataset[99]['images'] == dataset[0]['images']).all()
    assert '0099.png' in warnings[0]


def test_more_than_one_percent_of_bad_images_is_an_error(tmp_path, warnings):
    dataset = damaged(tmp_path, 200, [10, 60, 150])
    assert len([dataset[i] for i in range(150)]) == 150
    with pytest.raises(RuntimeError, match="3 of the 200 images.*'0150.png'"):
        dataset[150]


def test_two_files_of_a_small_folder_may_be_bad(tmp_path):
    dataset = damaged(tmp_path, 10, [2, 7])
    assert len([dataset[i] for i in range(10)]) == 10
    assert dataset.bad_files == ['0002.png', '0007.png']


@pytest.mark.parametrize('count', [1, 2])
def test_all_files_of_a_folder_may_never_be_bad(tmp_path, count):
    dataset = damaged(tmp_path, count, range(count))
    with pytest.raises(RuntimeError, match=(
            f"{count} of the {count} images .*'0000.png'")):
        dataset[0]


def test_a_split_may_hold_all_bad_files_of_its_folder(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    damaged(tmp_path / 'images', 300, [10, 60, 150])
    for split in ('train', 'held_out'):
        dataset = ImageFolder(tmp_path / 'images', split=split, held_out=.5)
        assert len([dataset[i] for i in range(len(dataset))]) == len(dataset)


@pytest.mark.parametrize('num_workers', [2])
def test_workers_count_bad_images_together(tmp_path, num_workers):
    # Neither of two workers meets too many bad files; together they do.
    dataset = damaged(tmp_path, 100, [0, 1, 99])
    loader = DataLoader(dataset, batch_size=50, num_workers=num_workers,
                        collate_fn=collate_batch)
    with pytest.raises(RuntimeError, match='3 of the 100 images'):
        list(loader)


def test_bad_images_that_no_step_waited_for_are_found_at_the_end(tmp_path):
    dataset = damaged(tmp_path, 100, range(10, 40))
    loader = iter(DataLoader(dataset, batch_size=10, num_workers=1,
                             collate_fn=collate_batch))
    next(loader)  # of good files; the worker reads ahead
    deadline = time.monotonic() + 20
    while len(dataset.bad_files) < 3 and time.monotonic() < deadline:
        time.sleep(.01)
    with pytest.raises(RuntimeError, match='of the 100 images'):
        dataset.check_files()


def test_a_part_of_the_files_tells_of_all():
    """A short run meets fewer bad files than may be, and clearly too many."""
    files = bad_files.BadFiles('x', [f'{i}\n.png' for i in range(10_000)], 100)
    for index in range(200):
        files.add_good(index)
    for index in range(8):  # 2 are to be expected
        files.add(index, ValueError('damaged'))
    files.check()
    files.add(8, ValueError('damaged'))
    with pytest.raises(RuntimeError, match=r'^9 of the 10000 .* \(200 were '
                       r"tried\); 100 may be bad: '0\\n.png'") as caught:
        files.check()
    assert str(caught.value).isprintable()


def test_bad_images_met_by_workers_are_known_outside(tmp_path):
    dataset = damaged(tmp_path, 100, [30])
    loader = DataLoader(dataset, batch_size=50, num_workers=2,
                        collate_fn=collate_batch)
    indices = torch.cat([batch['indices'] for batch in loader])
    assert indices.tolist() == list(range(100))
    assert dataset.bad_files == ['0030.png']


def test_images_of_several_sizes_need_a_crop(tmp_path):
    fill(tmp_path, 'a.png', size=(6, 5))
    root = fill(tmp_path, 'b.png', size=(9, 7))
    dataset = ImageFolder(root)
    with pytest.raises(ValueError, match=r'\(5, 6\) and \(7, 9\).*Crop'):
        dataset.__getitems__([0, 1])
    crop = [{'type': 'Resize', 'size': 4}, {'type': 'CenterCrop', 'size': 4}]
    batch = ImageFolder(root, crop).__getitems__([0, 1]).columns
    assert batch['images'].shape == (2, 3, 4, 4)


def test_fingerprint_follows_the_files(tmp_path):
    root = fill(tmp_path, 'a.png', 'b.png')
    before = ImageFolder(root).fingerprint()
    os.utime(tmp_path / 'a.png', (1, 1))
    assert ImageFolder(root).fingerprint() == before
    fill(tmp_path, 'a.png', size=(40, 40))
    assert ImageFolder(root).fingerprint() != before


def test_bits_of_a_folder(tmp_path):
    for name in 'abc':
        Image.fromarray(np.full((4, 4), 4095, np.uint16)).save(
            tmp_path / f'{name}.png')
    twelve, sixteen = (ImageFolder(tmp_path, bits=bits) for bits in (12, 16))
    assert (twelve[0]['images'] == 255).all()
    assert (sixteen[0]['images'] == 15).all()
    assert twelve.fingerprint() != sixteen.fingerprint()
    assert sixteen.fingerprint() == ImageFolder(tmp_path).fingerprint()
    Image.fromarray(np.full((4, 4), 4096, np.uint16)).save(
        tmp_path / 'a.png')
    assert (twelve[0]['images'] == 255).all()
    assert twelve.bad_files == ['a.png']
    for bits in (7, 17):
        with pytest.raises(ValueError, match=f'from 8 to 16, got {bits}'):
            ImageFolder(tmp_path, bits=bits)


def test_imagenet_layout(tmp_path):
    fill(tmp_path, 'train/n01/a.JPEG', 'train/n02/b.JPEG', 'val/c.JPEG')
    train = ImageNet(str(tmp_path))
    assert train.classes == ('n01', 'n02')
    assert ImageNet(str(tmp_path), 'val').classes is None
    assert list(ImageNet(str(tmp_path), num_images=1).paths) == ['n01/a.JPEG']


def test_imagenet_errors(tmp_path):
    with pytest.raises(ValueError, match="'train' or 'val', got 'test'"):
        ImageNet(str(tmp_path), 'test')
    with pytest.raises(FileNotFoundError, match='train/n01440764'):
        ImageNet(str(tmp_path))
    fill(tmp_path, 'train/a.JPEG')
    with pytest.raises(ValueError, match='class folders'):
        ImageNet(str(tmp_path))


def test_photographs_are_upright_except_in_imagenet(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / 'val').mkdir()
    Image.fromarray(np.zeros((4, 8, 3), np.uint8)).save(
        tmp_path / 'val' / 'a.png', exif=exif)
    turned = ImageFolder(str(tmp_path))[0]['images']
    stored = ImageNet(str(tmp_path), 'val')[0]['images']
    assert turned.shape == (3, 8, 4)
    assert stored.shape == (3, 4, 8)


def test_streams_through_a_loader(tmp_path):
    pipeline = [{'type': 'RandomCrop', 'size': 4}, {'type': 'RandomFlip'}]
    dataset = ImageFolder(fill(tmp_path, *[f'{i}.png' for i in range(5)]),
                          pipeline)
    loader = iter(DataLoader(dataset, 3, num_workers=2,
                             sampler=StreamSampler(dataset, 0),
                             collate_fn=collate_batch))
    positions = torch.cat([next(loader)['keys'][:, 1] for _ in range(4)])
    assert positions.tolist() == list(range(12))
