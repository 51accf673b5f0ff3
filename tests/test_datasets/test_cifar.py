import hashlib
import pickle
import tarfile
import urllib.error

import numpy as np
import pytest
import torch
import torchvision
from mmengine.dist import all_reduce, get_rank

from rcg.datasets import CIFAR10

from ..test_evaluation.toy import run_processes

THEIRS = torchvision.datasets.CIFAR10
NAMES = ['plane', 'car', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse',
         'ship', 'truck']


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A small archive in CIFAR-10's layout, known to torchvision."""
    folder = tmp_path / 'made' / THEIRS.base_folder
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    files = [name for name, _ in THEIRS.train_list + THEIRS.test_list]
    for number, name in enumerate(files):
        content = {'data': rng.integers(0, 256, (4, 3072), np.uint8),
                   'labels': [number % 10] * 4}
        (folder / name).write_bytes(pickle.dumps(content))
    meta = folder / THEIRS.meta['filename']
    meta.write_bytes(pickle.dumps({'label_names': NAMES}))
    # torchvision finds it there and need not fetch it.
    path = tmp_path / 'data' / THEIRS.filename
    path.parent.mkdir()
    with tarfile.open(path, 'w:gz') as tar:
        tar.add(folder, THEIRS.base_folder)
    for attribute in ('train_list', 'test_list'):
        monkeypatch.setattr(THEIRS, attribute, [
            [name, md5(folder / name)]
            for name, _ in getattr(THEIRS, attribute)])
    monkeypatch.setattr(THEIRS, 'meta', {**THEIRS.meta, 'md5': md5(meta)})
    monkeypatch.setattr(THEIRS, 'tgz_md5', md5(path))
    monkeypatch.setattr(THEIRS, 'url', 'file:///nowhere')
    return folder


def test_unpacks_and_reads(archive, tmp_path):
    root = tmp_path / 'data'
    train = CIFAR10(str(root))
    (root / THEIRS.filename).unlink()  # the unpacked files suffice
    test = CIFAR10(str(root), 'test')
    assert (len(train), len(test)) == (20, 4)
    assert train.classes == tuple(NAMES)
    first = pickle.loads((archive / 'data_batch_1').read_bytes())
    assert (train[0]['images'].numpy().ravel() == first['data'][0]).all()
    assert train[4]['labels'] == 1
    assert test[0]['labels'] == 5


def test_mirrors_half_of_the_images(archive, tmp_path):
    plain = CIFAR10(str(tmp_path / 'data'))
    dataset = CIFAR10(str(tmp_path / 'data'), pipeline=[
        dict(type='RandomFlip')])
    assert (plain.is_random, dataset.is_random) == (False, True)
    batch = dataset.__getitems__(range(20)).columns
    assert batch['images'].shape == (20, 3, 32, 32)
    assert batch['images'].dtype == torch.uint8
    assert batch['labels'].tolist() == plain.labels.tolist()
    straight = plain.__getitems__(range(20)).columns['images']
    flipped = (batch['images'] != straight).flatten(1).any(1)
    assert torch.equal(batch['images'], torch.where(
        flipped.view(-1, 1, 1, 1), straight.flip(3), straight))
    assert 4 < flipped.sum() < 16


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('boom')", )


@pytest.mark.parametrize('name', ['data_batch_1', 'batches.meta'])
def test_unknown_pickles_are_not_opened(archive, tmp_path, name):
    CIFAR10(str(tmp_path / 'data'))
    (tmp_path / 'data' / THEIRS.filename).unlink()
    path = tmp_path / 'data' / THEIRS.base_folder / name
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ConnectionError, match='not in .*/data'):
        CIFAR10(str(tmp_path / 'data'))


def test_offline(tmp_path, monkeypatch):

    def fail(*args, **kwargs):
        raise urllib.error.URLError('no network')

    monkeypatch.setattr(THEIRS, 'download', fail)
    with pytest.raises(ConnectionError, match='without network.*batches-py'):
        CIFAR10(str(tmp_path))


def test_unknown_split(tmp_path):
    with pytest.raises(ValueError, match="got 'val'"):
        CIFAR10(str(tmp_path), 'val')


def build_alone(root):
    """The first process builds the data set; then both meet."""
    size = len(CIFAR10(root)) if get_rank() == 0 else 0
    all_reduce(found := torch.tensor(size))
    return found.item()


def test_one_process_alone_may_build_it(archive, tmp_path):
    assert run_processes(2, tmp_path, build_alone,
                         str(tmp_path / 'data')) == [20, 20]


def build_together(root):
    return len(CIFAR10(root))


def test_one_process_unpacks_for_all(archive, tmp_path, monkeypatch):
    unpacked, extract = tmp_path / 'unpacked', tarfile.TarFile.extractall

    def note(*args, **kwargs):
        with unpacked.open('a') as file:
            file.write('x')
        return extract(*args, **kwargs)

    monkeypatch.setattr(tarfile.TarFile, 'extractall', note)
    assert run_processes(2, tmp_path, build_together,
                         str(tmp_path / 'data')) == [20, 20]
    assert unpacked.read_text() == 'x'
    (tmp_path / 'data' / THEIRS.filename).unlink()
    (tmp_path / 'data').chmod(0o500)  # reading needs no lock
    assert len(CIFAR10(str(tmp_path / 'data'))) == 20
