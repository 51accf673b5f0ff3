"""Who is served, and what is missing."""
import importlib.util

import pytest

from rcg.apis import serve_demo
from rcg.apis.demo.serve import _QUIET, is_loopback
from tools import demo


@pytest.mark.parametrize(('host', 'wanted'), [
    ('127.0.0.1', True), ('127.9.9.9', True), ('localhost', True),
    ('::1', True), ('0.0.0.0', False), ('::', False), ('10.0.0.1', False),
    ('example.org', False)])
def test_loopback(host, wanted):
    assert is_loopback(host) is wanted


def test_gradio_is_asked_for(monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(ImportError, match="pip install 'gradio"):
        serve_demo()


@pytest.fixture
def served(monkeypatch, tmp_path):
    """With any gradio; what would be served is noted."""
    calls = []
    for name in (*_QUIET, 'GRADIO_TEMP_DIR'):
        monkeypatch.setenv(name, '')  # to be restored
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: name)
    monkeypatch.setattr('rcg.apis.demo.serve.Models', lambda *args: args)
    monkeypatch.setattr('rcg.apis.demo.serve._serve',
                        lambda *args: calls.append(args))
    return calls


def test_only_this_machine_by_default(served, capsys):
    demo.run(demo.parse_args(['a', 'b', '--port', '8000', '--device', 'cpu']))
    (models, folder, *place), = served
    assert models == (['a', 'b'], 'cpu')
    assert place == ['127.0.0.1', 8000]
    assert 'rcg-demo-' in folder
    assert capsys.readouterr().err == ''


def test_other_hosts_are_warned_of(served, capsys):
    demo.run(demo.parse_args(['--host', '0.0.0.0']))
    assert 'everybody who can reach 0.0.0.0' in capsys.readouterr().err
