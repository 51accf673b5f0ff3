"""Pipes, devices and oversized files are refused before they are read."""
import json
import os
import socket

import pytest

from rcg.files import (
    MAX_JSON_BYTES,
    MAX_JSON_DEPTH,
    open_regular,
    parse_json,
    read_json,
    read_regular,
)


def test_regular_files_and_links_are_read(tmp_path):
    (tmp_path / 'a').write_bytes(b'abc')
    (tmp_path / 'b').symlink_to('a')
    for name in 'ab':
        with open_regular(tmp_path / name) as file:
            assert file.read() == b'abc'
        assert read_regular(tmp_path / name, 3) == b'abc'
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / 'c')


@pytest.fixture
def odd_places(tmp_path):
    """A pipe, a device, a socket and a folder, and links to each."""
    os.mkfifo(tmp_path / 'pipe')
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'zero').symlink_to('/dev/zero')
    before = os.getcwd()
    os.chdir(tmp_path)  # the name of a socket has at most 107 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind('socket')
        finally:
            os.chdir(before)
        for name in ('pipe', 'folder', 'zero', 'socket'):
            (tmp_path / f'{name}_link').symlink_to(name)
        yield sorted(tmp_path.iterdir())


def test_others_are_refused_without_opening_them(odd_places):
    assert len(odd_places) == 8
    for path in odd_places:
        with pytest.raises(ValueError, match='must be a file, but is a '):
            open_regular(path)
        with pytest.raises(ValueError, match='must be a file'):
            read_json(path)


def test_a_file_replaced_by_a_pipe_is_refused(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / 'pipe')
    (tmp_path / 'file').write_bytes(b'')
    status = os.stat(tmp_path / 'file')
    monkeypatch.setattr(os, 'stat', lambda path: status)
    with pytest.raises(ValueError, match='is a named pipe'):
        open_regular(tmp_path / 'pipe')


def test_limit_of_bytes(tmp_path):
    with open(tmp_path / 'x', 'wb') as file:
        file.truncate(1 << 40)  # takes no room
    with pytest.raises(ValueError, match='at most 1,000 are read'):
        read_regular(tmp_path / 'x', 1000)
    with pytest.raises(ValueError, match='at most 4,194,304 are read'):
        read_json(tmp_path / 'x')
    # The kernel's own files give no size.
    with pytest.raises(ValueError, match='at most 5 are read'):
        read_regular('/proc/self/status', 5)


def nested(depth):
    return '[' * depth + ']' * depth


@pytest.mark.parametrize(('text', 'message'), [
    (b'\x80\x02}q\x00.', 'not text in UTF-8'),
    ('', 'not valid JSON'),
    ('{"a": 1', 'not valid JSON'),
    ('[1, 2]', 'must be a dict, got a list'),
    ('null', 'must be a dict, got a NoneType'),
    ('{"a": 1, "b": {"c": 1, "c": 2}}', "key 'c' occurs twice"),
    (nested(MAX_JSON_DEPTH + 2), 'nests deeper'),
    (nested(10**5), 'nests deeper'),
    ('{"a": ' + '9' * 5000 + '}', 'digits'),
    (r'{"a": "\ud800"}', 'UTF-8'),
    (r'{"\udfff": 1}', 'UTF-8'),
    (' ' * (MAX_JSON_BYTES + 1), 'at most'),
])
def test_json_that_is_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        parse_json(text)
    path = tmp_path / 'x.json'
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=f"x.json' .*{message}"):
        read_json(path)


def test_json_that_is_read(tmp_path):
    content = {'a': [1, -2.5, None, True, 'ü'], 'b': {'c': {}}}
    (tmp_path / 'x').write_text(json.dumps(content))
    assert read_json(tmp_path / 'x') == content
    assert parse_json(nested(MAX_JSON_DEPTH), list)
    assert parse_json('3', object) == 3
