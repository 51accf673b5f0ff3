import hashlib
import os
import pickle
import tarfile
import urllib.error

import numpy as np
import pytest
import torch
import torchvision
from mmengine.dist import all_reduce, get_rank

from rcg.checkpoint import file_sha256
from rcg.datasets import CIFAR10, cifar

from ..test_evaluation.toy import run_processes

ARCHIVE = 'cifar-10-python.tar.gz'
NAMES = ['plane', 'car', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse',
         'ship', 'truck']


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def as_python2(content):
    """A pickle as Python 2 writes it, in which bytes are strings."""
    raw = content['data'].tobytes()
    return (b'\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\n'
            b'cnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x04M\x00\x0c\x86'
            b'cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ'
            b'\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T'
            + len(raw).to_bytes(4, 'little') + raw + b'tbU\x06labels]('
            + b''.join(b'K' + bytes([n]) for n in content['labels'])
            + b'eu.')


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A small archive in CIFAR-10's layout, known to the data set."""
    folder = tmp_path / 'made' / cifar.FOLDER
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number, name in enumerate(cifar.FILES):
        content = {'data': rng.integers(0, 256, (4, 3072), np.uint8),
                   'labels': [number % 10] * 4}
        (folder / name).write_bytes(pickle.dumps(content) if number % 2
                                    else as_python2(content))
        assert pickle.loads((folder / name).read_bytes(), encoding='latin1'
                            )['labels'] == content['labels']
    (folder / 'batches.meta').write_bytes(
        pickle.dumps({'label_names': NAMES}, 2))
    path = tmp_path / 'data' / ARCHIVE
    path.parent.mkdir()
    with tarfile.open(path, 'w:gz') as tar:
        tar.add(folder, cifar.FOLDER)
    monkeypatch.setattr(cifar, 'FILES', {
        name: md5(folder / name) for name in cifar.FILES})
    monkeypatch.setattr(cifar, 'SHA256', file_sha256(str(path)))
    monkeypatch.setattr(cifar, 'URL', f'file:///nowhere/{ARCHIVE}')
    return folder


def test_known_hashes():
    """Of the files of the University of Toronto; torchvision has the MD5s."""
    theirs = torchvision.datasets.CIFAR10
    hashes = dict([*theirs.train_list, *theirs.test_list,
                   (theirs.meta['filename'], theirs.meta['md5'])])
    assert hashes == cifar.FILES
    assert (theirs.url, theirs.base_folder) == (cifar.URL, cifar.FOLDER)


def test_unpacks_and_reads(archive, tmp_path):
    root = tmp_path / 'data'
    train = CIFAR10(str(root))
    (root / ARCHIVE).unlink()  # the unpacked files suffice
    test = CIFAR10(str(root), 'test')
    assert (len(train), len(test)) == (20, 4)
    assert train.classes == tuple(NAMES)
    first = pickle.loads((archive / 'data_batch_1').read_bytes(),
                         encoding='bytes')
    assert (train[0]['images'].numpy().ravel() == first[b'data'][0]).all()
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


def test_a_damaged_archive_is_fetched_again(archive, tmp_path, monkeypatch):
    path = tmp_path / 'data' / ARCHIVE
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(ConnectionError, match='damaged there.*nowhere'):
        CIFAR10(str(tmp_path / 'data'))
    (tmp_path / ARCHIVE).write_bytes(whole)
    monkeypatch.setattr(cifar, 'URL', f'file://{tmp_path}/{ARCHIVE}')
    assert len(CIFAR10(str(tmp_path / 'data'))) == 20
    assert path.read_bytes() == whole


def test_another_archive_is_not_kept(archive, tmp_path, monkeypatch):
    """One that unpacks well, and has the files with their MD5 sums."""
    path = tmp_path / 'data' / ARCHIVE
    (tmp_path / ARCHIVE).write_bytes(path.read_bytes() + b'\0')
    path.unlink()
    monkeypatch.setattr(cifar, 'URL', f'file://{tmp_path}/{ARCHIVE}')
    with pytest.raises(ConnectionError, match='not what was published'):
        CIFAR10(str(tmp_path / 'data'))
    assert os.listdir(tmp_path / 'data') == ['.download.lock']


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('boom')", )


def test_nothing_in_a_pickle_runs(archive, tmp_path, monkeypatch):
    """Not even in one with the right MD5 sum."""
    CIFAR10(str(tmp_path / 'data'))
    path = tmp_path / 'data' / cifar.FOLDER / 'data_batch_1'
    path.write_bytes(pickle.dumps({'data': Bomb(), 'labels': []}))
    monkeypatch.setitem(cifar.FILES, 'data_batch_1', md5(path))
    with pytest.raises(pickle.UnpicklingError, match='array of bytes'):
        CIFAR10(str(tmp_path / 'data'))


@pytest.mark.parametrize('name', ['data_batch_1', 'batches.meta'])
def test_unknown_pickles_are_not_opened(archive, tmp_path, name):
    CIFAR10(str(tmp_path / 'data'))
    (tmp_path / 'data' / ARCHIVE).unlink()
    path = tmp_path / 'data' / cifar.FOLDER / name
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ConnectionError, match='not in .*/data'):
        CIFAR10(str(tmp_path / 'data'))


def test_offline(tmp_path, monkeypatch):

    def fail(*args, **kwargs):
        raise urllib.error.URLError('no network')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', fail)
    with pytest.raises(ConnectionError, match=(
            'no network.*without network.*batches-py')):
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
    unpacked, extract = tmp_path / 'unpacked', cifar._extract

    def note(*args, **kwargs):
        with unpacked.open('a') as file:
            file.write('x')
        return extract(*args, **kwargs)

    monkeypatch.setattr(cifar, '_extract', note)
    assert run_processes(2, tmp_path, build_together,
                         str(tmp_path / 'data')) == [20, 20]
    assert unpacked.read_text() == 'x'
    (tmp_path / 'data' / ARCHIVE).unlink()
    (tmp_path / 'data').chmod(0o500)  # reading needs no lock
    assert len(CIFAR10(str(tmp_path / 'data'))) == 20
