import hashlib
import os
import urllib.error

import pytest
import torch

from rcg.checkpoint import CheckpointError
from rcg.evaluation.extractors.inception import Inception
from rcg.evaluation.extractors.pretrained import PretrainedExtractor
from rcg.evaluation.extractors.transformers import CLIP, DINOv2

CONTENT = b'weights'


class Known(PretrainedExtractor):
    url = 'https://example.org/files/known-net.pth'
    url_sha256 = hashlib.sha256(CONTENT).hexdigest()
    input_size = 8

    def weights(self):
        pass

    def build(self, state):
        pass


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv('RCG_WEIGHTS', str(tmp_path / 'own'))
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch'))
    return tmp_path / 'own', tmp_path / 'torch/hub/checkpoints'


def put(path, content=CONTENT):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)


def test_own_folder_comes_before_the_cache(folders):
    second = put(folders[1] / 'known-net.pth')
    assert Known().path == second
    first = put(folders[0] / 'known-net.pth')
    found = Known()
    assert (found.path, found.sha256) == (first, Known.url_sha256)


def test_a_path_may_hold_other_weights(folders):
    path = put(folders[0] / 'mine.pth', b'others')
    assert Known(path).sha256 == hashlib.sha256(b'others').hexdigest()
    with pytest.raises(FileNotFoundError, match='nowhere'):
        Known(str(folders[0] / 'nowhere.pth'))


def test_another_file_of_the_published_name(folders):
    path = put(folders[0] / 'known-net.pth', CONTENT[:-1])
    for given in (None, path):
        with pytest.raises(CheckpointError, match='Delete it and download'):
            Known(given)


def test_says_what_to_put_where(folders):
    with pytest.raises(FileNotFoundError) as error:
        Known()
    for part in (Known.url, *map(str, folders), 'download=True'):
        assert part in str(error.value)


def test_downloads_when_asked(folders, monkeypatch):
    def fetch(url, path, sha256, progress):
        assert (url, sha256) == (Known.url, Known.url_sha256)
        with open(path, 'wb') as file:
            file.write(CONTENT)

    monkeypatch.setattr(torch.hub, 'download_url_to_file', fetch)
    found = Known(download=True)
    assert found.path == os.path.join(folders[0], 'known-net.pth')
    monkeypatch.delattr(torch.hub, 'download_url_to_file')
    assert Known(download=True).path == found.path


def test_a_download_without_network(folders, monkeypatch):
    def fetch(*args, **kwargs):
        raise urllib.error.URLError('no network')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', fetch)
    with pytest.raises(FileNotFoundError, match='could not be downloaded'):
        Known(download=True)


def test_another_file_is_not_kept(folders, tmp_path, monkeypatch):
    """With the first digits of the hash alone it would be taken."""
    (tmp_path / 'known-net.pth').write_bytes(b'others')
    digits = hashlib.sha256(b'others').hexdigest()[:32]
    monkeypatch.setattr(Known, 'url', f'file://{tmp_path}/known-net.pth')
    monkeypatch.setattr(Known, 'url_sha256', digits + 32 * '0')
    with pytest.raises(FileNotFoundError, match='not what was published'):
        Known(download=True)
    assert os.listdir(folders[0]) == []


@pytest.mark.parametrize('cls', [Inception, DINOv2, CLIP])
def test_whole_hashes_are_known(cls):
    assert len(cls.url_sha256) == 64


@pytest.mark.parametrize('resize', ['bicubic', 'tensorflow'])
def test_resizes_to_floats(folders, resize):
    put(folders[0] / 'known-net.pth')
    network = Known(resize=resize)
    images = torch.full((2, 3, 21, 30), 51, dtype=torch.uint8)
    found = network.resized(images)
    assert found.shape == (2, 3, 8, 8)
    assert torch.allclose(found, torch.full_like(found, .2), atol=1e-6)


def test_refuses_another_resize(folders):
    with pytest.raises(ValueError, match="'bicubic', 'tensorflow'.*'area'"):
        Known(resize='area')


def test_names_a_package_that_is_missing(folders, monkeypatch):
    def build(self, state):
        raise ModuleNotFoundError('', name='timm')

    put(folders[0] / 'known-net.pth')
    monkeypatch.setattr(Known, 'build', build)
    with pytest.raises(ModuleNotFoundError, match='needs timm: pip install'):
        Known()
