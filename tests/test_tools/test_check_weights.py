"""tools/check_weights.py: hashes stated, noted, unknown, different."""
import json

import pytest
import torch

from rcg.checkpoint import file_sha256, save_atomically
from rcg.converters import known_weights
from tools import check_weights

TABLE = json.loads(known_weights.TABLE.read_text())['files']


@pytest.fixture
def tool(monkeypatch, tmp_path):
    monkeypatch.setenv('RCG_WEIGHTS', str(tmp_path / 'weights'))
    return lambda *args: check_weights.run(
        check_weights.parse_args(list(map(str, args))))


def test_the_table_names_who_states_a_hash():
    for key, entry in TABLE.items():
        assert entry.keys() <= {'names', 'url', 'size', 'sha256', 'hash_from'}
        assert entry['url'].startswith('https://')
        assert ('sha256' in entry) == ('hash_from' in entry), key
        if 'sha256' in entry:
            assert len(entry['sha256']) in (8, 64)
            int(entry['sha256'], 16)
        if 'in the file' in entry.get('hash_from', ''):
            assert all(entry['sha256'] in name for name in entry['names'])


def test_note_then_compare(tool, tmp_path, capsys):
    path = tmp_path / 'rdm.pth'
    torch.save({'w': torch.ones(3)}, path)
    assert tool(path, '--as', 'rdm_mocov3_vit_b') == 0
    said = capsys.readouterr().out
    assert file_sha256(path) in said
    assert 'nothing is known of rdm_mocov3_vit_b; --record' in said
    assert not (tmp_path / 'weights').exists()
    assert tool(path, '--as', 'rdm_mocov3_vit_b', '--record') == 0
    noted = json.loads((tmp_path / 'weights/hashes.json').read_text())
    assert noted['rdm_mocov3_vit_b']['sha256'] == file_sha256(path)
    assert tool(path, '--as', 'rdm_mocov3_vit_b') == 0
    assert 'equal to what was noted' in capsys.readouterr().out
    torch.save({'w': torch.zeros(3)}, path)
    assert tool(path, '--as', 'rdm_mocov3_vit_b', '--record') == 1
    said = capsys.readouterr().out
    assert 'DIFFERS from what was noted' in said
    assert TABLE['rdm_mocov3_vit_b']['url'] in said
    assert json.loads((tmp_path / 'weights/hashes.json').read_text()) == noted


def test_a_stated_hash(tool, tmp_path, capsys, monkeypatch):
    path = tmp_path / 'deit_base_patch16_224-b5f2ef4d.pth'
    torch.save({'w': torch.ones(3)}, path)
    assert tool(tmp_path, '--record') == 1
    said = capsys.readouterr().out
    assert 'DIFFERS from the beginning of the hash of deit_vit_b' in said
    assert 'the publisher' in said
    assert not (tmp_path / 'weights').exists()  # a wrong one is not noted
    monkeypatch.setattr(known_weights, 'file_sha256',
                        lambda path: 'b5f2ef4d' + 56 * '0')
    assert tool(path) == 0
    assert 'equal to the beginning' in capsys.readouterr().out


def test_folders_and_what_is_no_file_of_weights(tool, tmp_path, capsys):
    folder = tmp_path / 'downloads' / 'deep'
    folder.mkdir(parents=True)
    (folder / 'a.ckpt').write_text('<html>quota exceeded</html>')
    (folder / 'b.txt').write_text('x')
    save_atomically({'w': torch.ones(1)}, str(folder / 'c.safetensors'), {
        'format': 'rdm', 'source': 'x.pth', 'source_sha256': 'abc'})
    assert tool(tmp_path / 'downloads') == 1
    said = capsys.readouterr().out
    assert 'a.ckpt: WRONG. It is a web page' in said
    assert 'b.txt' not in said
    assert 'converted from x.pth, sha256 abc' in said
    (folder / 'a.ckpt').unlink()
    (folder / 'c.safetensors').unlink()
    with pytest.raises(FileNotFoundError, match='No weights in'):
        tool(folder)
    with pytest.raises(FileNotFoundError, match="no 'gone'"):
        tool('gone')


def test_unknown_name(tool, tmp_path):
    torch.save({}, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match='--as x: known are mocov3_vit_s'):
        tool(tmp_path / 'a.pth', '--as', 'x')
