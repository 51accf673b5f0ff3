"""The hub, as a stub: which files are asked for, and what errors say."""
import shutil
import sys
from types import SimpleNamespace

import pytest
import torch

from rcg.apis import RCGInferencer
from rcg.apis.saved.content import FILES


@pytest.fixture
def hub(saved, tmp_path, monkeypatch):
    """Serves the saved model as me/digits; keeps what is uploaded."""
    calls = []

    def snapshot_download(name, **options):
        calls.append((name, options))
        if name != 'me/digits':
            raise OSError('404 Client Error')
        return str(saved)

    class HfApi:
        def __init__(self, token=None):
            self.token = token

        def create_repo(self, name, **options):
            calls.append((name, options))

        def upload_folder(self, folder_path, **options):
            calls.append(options)
            shutil.copytree(folder_path, tmp_path / 'uploaded')
            return 'https://hub/me/digits'

    monkeypatch.setitem(sys.modules, 'huggingface_hub', SimpleNamespace(
        snapshot_download=snapshot_download, HfApi=HfApi))
    return calls


def test_a_name_is_downloaded(hub, original):
    model = RCGInferencer.from_pretrained('me/digits', revision='abc',
                                          device='cpu')
    (name, options), = hub
    assert name == 'me/digits'
    assert options['revision'] == 'abc'
    assert options['allow_patterns'] == list(FILES)  # and nothing else
    assert not any(set('*?[') & set(file) for file in FILES)
    assert torch.equal(model.sample(2, output='tensor'),
                       original.sample(2, output='tensor'))


def test_a_model_is_uploaded(hub, original, tmp_path):
    address = original.push_to_hub('me/digits', private=False,
                                   license='mit')
    assert address == 'https://hub/me/digits'
    assert hub[0] == ('me/digits', dict(private=False, exist_ok=True))
    assert hub[1]['repo_id'] == 'me/digits'
    assert "from_pretrained('me/digits')" in (
        tmp_path / 'uploaded/README.md').read_text()
    again = RCGInferencer.from_pretrained(tmp_path / 'uploaded', device='cpu')
    assert again.num_classes is None


def test_errors(hub, original, monkeypatch):
    with pytest.raises(OSError, match="'me/other'.*404 Client.*auth login"):
        RCGInferencer.from_pretrained('me/other')
    for name in ('gone', 'a/b/c', '../a', '/gone/b', 'https://a/b'):
        with pytest.raises(FileNotFoundError, match="is 'user/name'"):
            RCGInferencer.from_pretrained(name)
    with pytest.raises(ValueError, match="'user/name', got 'digits'"):
        original.push_to_hub('digits')
    monkeypatch.setitem(sys.modules, 'huggingface_hub', None)
    for call in (RCGInferencer.from_pretrained, original.push_to_hub):
        with pytest.raises(ImportError, match='pip install huggingface_hub'):
            call('me/digits')
