"""Images of tar shards are those of the same files in a folder."""
import os
import shutil

import numpy as np
import pytest
import torch

from rcg.datasets import (
    ImageFolder,
    StreamSampler,
    TarShards,
    bad_files,
    shard_index,
)
from rcg.datasets.tar_shards import ShardImages, list_shards
from rcg.registry import DATASETS

from .shards import image, numbered, write_tar


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    shard_index.index_of.cache_clear()
    return tmp_path / 'cache'


@pytest.fixture
def scans(monkeypatch):
    """Shards whose headers are read."""
    found, scan = [], shard_index.scan

    def noted(shard):
        found.append(os.path.basename(shard))
        return scan(shard)

    monkeypatch.setattr(shard_index, 'scan', noted)
    return found


@pytest.fixture
def warnings(monkeypatch):
    texts = []
    for module in (bad_files, shard_index):
        monkeypatch.setattr(module, 'print_log',
                            lambda text, **kwargs: texts.append(text))
    return texts


def fill(root, label=None, sizes=(3, 2, 4)):
    first = 0
    for number, size in enumerate(sizes):
        write_tar(root / f'{number:02}.tar', numbered(first, size, label))
        first += size
    return str(root)


def test_a_stream_is_that_of_a_folder_with_the_same_files(tmp_path):
    root = fill(tmp_path / 'shards')
    (tmp_path / 'files').mkdir()
    for name, content in numbered(0, 9).items():
        (tmp_path / 'files' / name).write_bytes(content)
    pipeline = [dict(type='RandomCrop', size=4), dict(type='RandomFlip')]
    shards = DATASETS.build(dict(type='TarShards', data_root=root,
                                 pipeline=pipeline))
    folder = ImageFolder(str(tmp_path / 'files'), pipeline)
    assert (len(shards), shards.classes) == (9, None)
    assert [*shards.paths] == [f'{i // 3 if i < 3 else 1 if i < 5 else 2:02}'
                               f'.tar/{i:03}.png' for i in range(9)]
    streams = []
    for dataset in (shards, folder):
        sampler = StreamSampler(dataset, seed=3)
        stream = iter(sampler)
        streams.append([dataset[next(stream)] for _ in range(24)])
    for ours, theirs in zip(*streams, strict=True):
        assert ours.keys() == theirs.keys()
        for key in ours:
            assert torch.equal(ours[key], theirs[key]), key
    # It goes on from any place as if it had never stopped.
    sampler = StreamSampler(shards, seed=3)
    sampler.position = 13
    resumed = [shards[item] for item, _ in zip(
        sampler, range(11), strict=False)]
    for ours, theirs in zip(resumed, streams[0][13:], strict=True):
        assert torch.equal(ours['images'], theirs['images'])


def test_labels_of_cls_and_json(tmp_path):
    root = fill(tmp_path, label=lambda i: i % 3)
    write_tar(tmp_path / '03.tar', {
        'a/9.jpg': image(9, format='JPEG'), 'a/9.json': b'{"label": 4}',
        'b/9.json': b'{"label": 1}', 'b/9.cls': b'2\n', 'b/9.JPG': image(10)})
    dataset = TarShards(root)
    assert dataset.labels.tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2, 4, 2]
    assert dataset.classes == ('0', '1', '2', '3', '4')
    assert int(dataset[9]['labels']) == 4
    some = TarShards(root, num_images=3, classes=list('abcdef'))
    assert some.labels.tolist() == [0, 0, 1]
    assert [*some.paths] == ['00.tar/000.png', '01.tar/003.png',
                             '02.tar/007.png']
    assert len(some.classes) == 6
    with pytest.raises(ValueError, match='labels up to 4, but.*2 names'):
        TarShards(root, classes=['a', 'b'])


def test_names_for_no_labels_are_refused(tmp_path):
    with pytest.raises(ValueError, match='have no labels'):
        TarShards(fill(tmp_path), classes=['a'])


@pytest.mark.parametrize(('files', 'message'), [
    ({'a.cls': b'cat'}, "a.cls' must hold the number.*b'cat'"),
    ({'a.cls': b'-1'}, 'number of a class'),
    ({'a.cls': b'1' * 33}, '33 bytes; at most 32'),
    ({'a.cls': b'99999999'}, 'from 0 to 1,048,575, got 99999999'),
    ({'a.json': b'{"label": "cat"}'}, "got 'cat'"),
    ({'a.json': b'{"label": true}'}, 'got True'),
    ({'a.json': b'{'}, r"00.tar' cannot be read: 'a.json': it is not valid"),
    ({'a.jpg': b'x'}, "'a.png' and 'a.jpg' are two images"),
    ({'l.jpg': dict(type=b'2', linkname='/etc/passwd')}, 'symbolic link'),
    ({'../a.jpg': b'x'}, 'leads out'),
    ({'b.png': b'x'}, r'1 of the 2 images.*no label.*00.tar/b.png')])
def test_shards_that_make_no_sense(files, message, tmp_path):
    label = {} if 'a.cls' in files or 'a.json' in files else {'a.cls': b'0'}
    write_tar(tmp_path / '00.tar', {'a.png': image(0), **label, **files})
    with pytest.raises(ValueError, match=message):
        TarShards(str(tmp_path))


def test_what_is_left_out(tmp_path, warnings):
    write_tar(tmp_path / 'a.tar', {
        'a.png': image(0), 'a.seg.png': image(1), '._a.png': b'x',
        '.git/b.png': b'x', 'a.json': b'[1]', 'a.txt': b'x'})
    write_tar(tmp_path / '.b.tar', {'b.png': image(0)})
    write_tar(tmp_path / 'sub' / 'c.tar', {})
    assert list_shards(str(tmp_path)) == ['a.tar', 'sub/c.tar']
    dataset = TarShards(str(tmp_path))
    assert [*dataset.paths] == ['a.tar/a.png']
    assert dataset.labels is None
    assert warnings == [f"1 images of '{tmp_path}/a.tar' are left out, since "
                        "their names have two endings: 'a.seg.png'"]


@pytest.mark.parametrize('files', [None, {}, {'a.txt': b'x'}])
def test_no_images(files, tmp_path):
    if files is not None:
        write_tar(tmp_path / 'a.tar', files)
    with pytest.raises(FileNotFoundError, match='no tar file with images'):
        TarShards(str(tmp_path))


def test_headers_are_read_once(tmp_path, scans):
    root = fill(tmp_path / 'shards', label=lambda i: i)
    first = TarShards(root)
    assert sorted(scans) == ['00.tar', '01.tar', '02.tar']
    scans.clear()
    shard_index.index_of.cache_clear()  # as a new process
    again = TarShards(root)
    assert scans == []
    assert again.labels.tolist() == first.labels.tolist()
    assert again.fingerprint() == first.fingerprint()
    assert np.array_equal(again.read(8)[0], first.read(8)[0])
    assert isinstance(again.shards._index(0)._body, shard_index.mmap.mmap)
    # Another time of change: that shard is read again, and is the same.
    os.utime(tmp_path / 'shards' / '01.tar', (1, 1))
    assert TarShards(root).fingerprint() == first.fingerprint()
    assert scans == ['01.tar']
    write_tar(tmp_path / 'shards' / '01.tar', numbered(50, 2, lambda i: 1))
    assert TarShards(root).fingerprint() != first.fingerprint()
    assert scans == ['01.tar', '01.tar']


@pytest.mark.parametrize('damage', [
    lambda content: content[:-3], lambda content: b'', lambda content: (
        content[:-60] + b'x' + content[-59:]),
    lambda content: b'x' + content[1:]])
def test_a_damaged_index_is_made_again(damage, tmp_path, cache, scans):
    root = fill(tmp_path / 'shards', sizes=(3, ))
    wanted = TarShards(root).read(1)[0]
    path, = cache.rglob('*.index')
    path.write_bytes(damage(path.read_bytes()))
    shard_index.index_of.cache_clear()
    assert np.array_equal(TarShards(root).read(1)[0], wanted)
    assert len(scans) == 2


def test_without_a_place_for_indices(tmp_path, monkeypatch, scans):
    (tmp_path / 'file').write_text('x')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'file'))
    dataset = TarShards(fill(tmp_path / 'shards', sizes=(3, )))
    assert dataset.read(2)[1] == 2
    assert dataset.paths[0] == '00.tar/000.png'
    assert scans == ['00.tar'] * 2  # of the head, and of the rows


def test_damaged_images_are_passed_over(tmp_path, warnings):
    files = numbered(0, 8)
    files['002.png'] = files['002.png'][:30]
    files['003.png'] = b''
    write_tar(tmp_path / '0.tar', files)
    dataset = TarShards(str(tmp_path))
    assert dataset.read(2)[1] == 4
    assert dataset.bad_files == ['0.tar/002.png', '0.tar/003.png']
    assert '/0.tar/002.png' in warnings[0]
    dataset.check_files()


def test_too_many_damaged_images(tmp_path, warnings):
    write_tar(tmp_path / '0.tar', {f'{i}.png': b'x' for i in range(8)})
    with pytest.raises(RuntimeError, match='3 of the 8 images'):
        TarShards(str(tmp_path)).read(0)


def test_a_huge_image_is_a_bad_one(tmp_path, monkeypatch, warnings):
    monkeypatch.setattr(shard_index, 'MAX_FILE_BYTES', 300)
    files = {'0.png': image(0, (40, 40)), '1.png': image(1)}
    write_tar(tmp_path / '0.tar', files)
    assert TarShards(str(tmp_path)).read(0)[1] == 1
    assert 'at most 300 are read' in warnings[0]


@pytest.mark.parametrize('change', [
    lambda path: write_tar(path, numbered(40, 3)),
    lambda path: os.truncate(path, 700),
    os.unlink])
def test_a_shard_that_changes_in_the_meantime(change, tmp_path, warnings):
    dataset = TarShards(fill(tmp_path))
    dataset.read(0)
    change(tmp_path / '00.tar')
    os.utime(tmp_path, (1, 1))
    with pytest.raises(RuntimeError, match=r'00.tar.*--resume'):
        dataset.read(1)
    assert dataset.read(4)[1] == 4
    assert not dataset.bad_files


def test_processes_share_the_work(tmp_path, monkeypatch, scans):
    root = fill(tmp_path / 'shards', sizes=(1, ) * 4)
    monkeypatch.setattr('rcg.datasets.tar_shards.get_rank', lambda: 1)
    monkeypatch.setattr('rcg.datasets.tar_shards.get_world_size', lambda: 2)
    monkeypatch.setattr('rcg.datasets.tar_shards.ThreadPoolExecutor',
                        lambda count: OneThread())
    images = ShardImages(root, list_shards(root))
    assert scans == ['02.tar', '03.tar', '00.tar', '01.tar']
    assert [*images] == [f'{i:02}.tar/{i:03}.png' for i in range(4)]


class OneThread:
    map = staticmethod(map)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


def test_of_a_moved_folder_nothing_else_changes(tmp_path):
    one = TarShards(fill(tmp_path / 'a')).fingerprints()
    shutil.copytree(tmp_path / 'a', tmp_path / 'b')
    assert TarShards(str(tmp_path / 'b')).fingerprints() == one
    turned = TarShards(str(tmp_path / 'b'), upright=False)
    assert turned.fingerprints()['images'] != one['images']


def test_images_by_their_names(tmp_path):
    write_tar(tmp_path / 'x.tar' / 'A.TAR', {'b.tar/c.png': image(3)})
    path = f'{tmp_path}/x.tar/A.TAR/b.tar/c.png'
    assert shard_index.read_by_name(path) == image(3)
    assert shard_index.stamp_by_name(path)[0] == 10240
    with pytest.raises(FileNotFoundError, match="A.TAR' holds no image 'd"):
        shard_index.read_by_name(f'{tmp_path}/x.tar/A.TAR/d.png')
    with pytest.raises(FileNotFoundError, match='names no tar shard'):
        shard_index.read_by_name(f'{tmp_path}/a.png')
