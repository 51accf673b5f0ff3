"""Held-out images of a folder: by content, stable, never all or none."""
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from rcg.datasets import ImageFolder
from rcg.datasets.folders import list_images
from rcg.datasets.held_out import content_hashes, split_of
from rcg.datasets.remembered import cache_file


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))


def write(folder, names, start=0):
    for number, name in enumerate(names, start):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4, 3), number, np.uint8)).save(path)


def held_out(root, share=.2):
    paths = list_images(str(root))
    return {path for path, is_out in zip(paths, split_of(
        str(root), paths, share), strict=True) if is_out}


def test_it_is_stable(tmp_path):
    root = tmp_path / 'images'
    write(root, [f'{i:03d}.png' for i in range(200)])
    before = held_out(root)
    assert 20 < len(before) < 60
    write(root, [f'a{i:03d}.png' for i in range(50)], start=200)
    assert before == {p for p in held_out(root) if not p.startswith('a')}
    assert any(p.startswith('a') for p in held_out(root))
    # Renamed, moved, copied.
    name = sorted(before)[0]
    (root / 'sub').mkdir()
    shutil.copy(root / name, root / 'sub' / 'copy.png')
    shutil.move(root / name, root / 'z.png')
    assert {'z.png', 'sub/copy.png'} <= held_out(root)
    # A larger share holds the smaller one.
    assert held_out(root, .1) < held_out(root, .3)


@pytest.mark.parametrize('count', [2, 3, 4, 10])
@pytest.mark.parametrize('share', [1e-6, .5, .999999])
def test_few_images(tmp_path, count, share):
    write(tmp_path / 'images', [f'{i}.png' for i in range(count)])
    least = 2 if count > 3 else 1  # a distance needs two
    assert least <= len(held_out(tmp_path / 'images', share)) < count


@pytest.mark.parametrize('share', [0, 1, -.1, 2, float('nan')])
def test_shares_that_make_no_split(tmp_path, share):
    write(tmp_path, ['a.png', 'b.png'])
    with pytest.raises(ValueError, match='between 0 and 1'):
        ImageFolder(tmp_path, split='train', held_out=share)


def test_one_image_twice_is_too_few(tmp_path):
    write(tmp_path, ['a.png'])
    shutil.copy(tmp_path / 'a.png', tmp_path / 'b.png')
    with pytest.raises(ValueError, match='too few different images .*: 1'):
        ImageFolder(tmp_path, split='held_out')
    with pytest.raises(ValueError, match="split must be one of .*'val'"):
        ImageFolder(tmp_path, split='val')


def test_splits_share_classes_and_no_image(tmp_path):
    write(tmp_path, [f'{"ab"[i % 2]}/{i}.png' for i in range(60)])
    whole = ImageFolder(tmp_path)
    train, rest = (ImageFolder(tmp_path, split=split, held_out=.3)
                   for split in ('train', 'held_out'))
    assert sorted([*train.paths, *rest.paths]) == list(whole.paths)
    assert train.classes == rest.classes == whole.classes == ('a', 'b')
    for part in train, rest:
        assert [path[0] for path in part.paths] == [
            'ab'[label] for label in part.labels]
    assert train.fingerprint() != rest.fingerprint()
    assert len(ImageFolder(tmp_path, split='train', num_images=5)) == 5


def test_what_cannot_be_opened_is_not_held_out(tmp_path):
    root = tmp_path / 'images'
    write(root, [f'{i}.png' for i in range(40)])
    os.symlink('nowhere', root / 'broken.png')
    os.symlink('loop.png', root / 'loop.png')
    os.mkfifo(root / 'pipe.png')
    out = held_out(root, .9)
    assert len(out) > 20
    assert not out & {'broken.png', 'loop.png', 'pipe.png'}
    data = ImageFolder(root, split='train', held_out=.1)
    assert data.fingerprint() == data.fingerprint()


def test_hashes_are_remembered(tmp_path, monkeypatch):
    root = tmp_path / 'images'
    write(root, [f'{i}.png' for i in range(5)])
    paths = list_images(str(root))
    first = content_hashes(str(root), paths)
    (root / '3.png').write_bytes(b'other')
    read = []
    monkeypatch.setattr('rcg.datasets.held_out._hash',
                        lambda path: read.append(path) or 'f' * 32)
    assert content_hashes(str(root), paths) == [
        *first[:3], 'f' * 32, first[4]]
    assert read == [str(root / '3.png')]


def test_damaged_memory_is_made_anew(tmp_path):
    root = tmp_path / 'images'
    write(root, [f'{i}.png' for i in range(5)])
    paths = list_images(str(root))
    first = content_hashes(str(root), paths)
    store = cache_file('hashes', str(root))
    content = store.read_bytes()
    for i in range(0, len(content), 7):
        store.write_bytes(content[:i] + bytes([content[i] ^ 1])
                          + content[i + 1:])
        assert content_hashes(str(root), paths) == first
    for other in (b'', content[:50], b'\0' * 100, b'[1, 2]\n{}\n'):
        store.write_bytes(other)
        assert content_hashes(str(root), paths) == first


def test_no_place_for_memory(tmp_path, monkeypatch):
    (tmp_path / 'file').touch()
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'file'))
    write(tmp_path / 'images', ['a.png', 'b.png'])
    assert len(held_out(tmp_path / 'images')) == 1
