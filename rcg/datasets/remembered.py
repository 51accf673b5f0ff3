"""Files that remember what was found out about very many files.

Each line is a JSON list that ends with a checksum. So lines that were cut off
or damaged are left out, and their files are looked at again.
"""
import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from rcg.files import open_regular, parse_json

_LONGEST = 1 << 16  # bytes of a line


def stamp_of(path: str) -> list[int] | None:
    """Size and time, which differ if a file was changed; None: no file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def code_of(root: str) -> str:
    """Hexadecimal digits for a folder, wherever it is named from."""
    return hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()


def cache_file(kind: str, root: str) -> Path:
    """The file below ``~/.cache/rcg`` for a folder.

    Args:
        kind: What it remembers: a word.
        root: The folder.
    """
    cache = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    return Path(os.path.expanduser(cache), 'rcg', kind,
                f'{code_of(root)[:16]}.jsonl')


def line_of(entry: list) -> bytes:
    """A line to write for an entry, which JSON must be able to hold."""
    return json.dumps([*entry, _check(entry)]).encode() + b'\n'


def read_lines(store: Path) -> Iterator[list]:
    """The entries of a file; none if it cannot be opened."""
    with contextlib.suppress(OSError, ValueError), open_regular(store) as file:
        # A line without end is read in parts.
        for line in iter(lambda: file.readline(_LONGEST), b''):
            with contextlib.suppress(ValueError):
                *entry, check = parse_json(line, list)
                if check == _check(entry):
                    yield entry


def _check(entry: list) -> str:
    return hashlib.blake2b(json.dumps(entry).encode(),
                           digest_size=4).hexdigest()
