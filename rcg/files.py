"""Files of any origin: opened only if regular, read up to a limit.

Who opens a named pipe waits for its writer, and who reads a device such as
``/dev/zero`` never comes to its end. A link may give them the name of an image
or of a config.
"""
import json
import os
import stat
from pathlib import Path
from typing import BinaryIO

# Results, protocols and lists of names have some 10 KB. Python takes up to 24
# bytes for a byte of JSON.
MAX_JSON_BYTES = 4 << 20
MAX_JSON_DEPTH = 64

_KINDS = {stat.S_IFIFO: 'a named pipe', stat.S_IFSOCK: 'a socket',
          stat.S_IFCHR: 'a device', stat.S_IFBLK: 'a device',
          stat.S_IFDIR: 'a folder'}


def open_regular(path: str | os.PathLike) -> BinaryIO:
    """Open a file for reading; anything else is refused, without opening it.

    Args:
        path: A file, or a link to one.

    Raises:
        OSError: There is none, or it cannot be opened.
        ValueError: It is a pipe, a socket, a device or a folder.
    """
    _check_kind(path, os.stat(path).st_mode)
    return open(path, 'rb', opener=_open_checked)


def _check_kind(path: str | os.PathLike, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), 'something else')
        raise ValueError(f"'{path}' must be a file, but is {kind}; give "
                         'another path, or remove it.')


def _open_checked(path: str, flags: int) -> int:
    """Open what may have been replaced since it was looked at."""
    # Without O_NONBLOCK, opening a pipe would wait for its writer.
    descriptor = os.open(path, flags | getattr(os, 'O_NONBLOCK', 0))
    try:
        _check_kind(path, os.fstat(descriptor).st_mode)
    except ValueError:
        os.close(descriptor)
        raise
    return descriptor


def read_regular(path: str | os.PathLike, limit: int) -> bytes:
    """Read a whole file.

    Args:
        path: See :func:`open_regular`.
        limit: Bytes that it may have.

    Raises:
        OSError: There is no such file, or it cannot be read.
        ValueError: It is no regular file, or larger than the limit.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        blocks = [] if size > limit else [file.read(size)]
        # The kernel's own files and growing ones have more than their size.
        while size <= limit and (block := file.read(1 << 16)):
            blocks.append(block)
            size = sum(map(len, blocks))
    if size > limit:
        raise ValueError(f"'{path}' has {size:,} bytes or more; at most "
                         f'{limit:,} are read of such a file.')
    return b''.join(blocks)


def read_json(path: str | os.PathLike, kind: type = dict):
    """Read a JSON file; see :func:`parse_json`.

    Raises:
        OSError: There is no such file, or it cannot be read.
        ValueError: It is no regular file, or holds something else. The
            message names the file.
    """
    content = read_regular(path, MAX_JSON_BYTES)
    try:
        return parse_json(content, kind)
    except ValueError as error:
        raise ValueError(f"'{Path(path)}' is damaged, or not what belongs "
                         f'there: {error}') from error


def parse_json(text: str | bytes, kind: type = dict):
    """Parse JSON in UTF-8 of any origin.

    As in Python's own JSON, numbers may be ``NaN`` or ``Infinity``.

    Args:
        text: At most ``MAX_JSON_BYTES``.
        kind: Type of the outermost value; ``object`` allows any.

    Raises:
        ValueError: It is no JSON, nests deeper than ``MAX_JSON_DEPTH``, has
            a key twice in one object, or is of another type.
    """
    if len(text) > MAX_JSON_BYTES:
        raise ValueError(f'JSON of {len(text):,} bytes; at most '
                         f'{MAX_JSON_BYTES:,} are read.')
    try:
        if isinstance(text, bytes):
            text = text.decode()
        content = json.loads(text, object_pairs_hook=_without_duplicates)
        _check_depth_and_text(content)
    except RecursionError:
        raise ValueError('the JSON nests deeper than '
                         f'{MAX_JSON_DEPTH} levels.') from None
    except UnicodeError as error:
        raise ValueError(f'it is not text in UTF-8 ({error.reason}).'
                         ) from error
    except json.JSONDecodeError as error:
        raise ValueError(f'it is not valid JSON ({error}).') from error
    if not isinstance(content, kind):
        raise ValueError(f'the JSON must be a {kind.__name__}, got a '
                         f'{type(content).__name__}.')
    return content


def _without_duplicates(pairs: list[tuple]) -> dict:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f'the key {twice[:80]!r} occurs twice in one object '
                         'of the JSON.')
    return found


def _check_depth_and_text(content) -> None:
    level = [content]
    for _ in range(MAX_JSON_DEPTH + 1):
        below = []
        for value in level:
            if isinstance(value, dict):
                below += [*value, *value.values()]
            elif isinstance(value, list):
                below += value
            elif isinstance(value, str):
                value.encode()  # half a character could not be printed
        level = below
        if not level:
            return
    raise RecursionError
