"""Where the images of tar shards are: looked for once, then remembered.

An index of a shard lies below ``~/.cache/rcg``. It is found again by the path
of the shard, and counts while size and time of the shard are the same.
"""
import contextlib
import hashlib
import mmap
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from mmengine.logging import print_log

from rcg.checkpoint import open_atomically
from rcg.datasets.reading import EXTENSIONS, MAX_FILE_BYTES
from rcg.datasets.remembered import (
    cache_file,
    line_of,
    read_lines,
    stamp_of,
)
from rcg.datasets.tar_headers import Member, members
from rcg.files import open_regular, parse_json

_KIND, _VERSION = 'shards', 1
# Where an image is, its label (-1: none), where its name ends among the names.
_ROW = np.dtype([('offset', '<u8'), ('size', '<u8'), ('label', '<i4'),
                 ('name_end', '<u4')])
_MAX_LABEL = (1 << 20) - 1
_MAX_CLS, _MAX_JSON = 32, 1 << 20  # bytes of a label; metadata of an image


class Head(NamedTuple):
    """What is known of a shard without its rows.

    Attributes:
        size, time: Of the shard, as
            :func:`~rcg.datasets.remembered.stamp_of` has them.
        count: Number of images.
        labeled: Number of those with a label.
        digest: Of all rows and names.
    """
    size: int
    time: int
    count: int
    labeled: int
    digest: str


class Index:
    """The images of one shard.

    Args:
        head: About it.
        body: Rows and names, perhaps mapped: shared by all processes.
        start: Where they begin.

    Attributes:
        rows (count,): Fields offset, size, label and name_end.
    """

    def __init__(self, head: Head, body: bytes | mmap.mmap,
                 start: int = 0) -> None:
        self.head, self._body = head, body
        self.rows = np.frombuffer(body, _ROW, head.count, start)
        self._names = start + self.rows.nbytes

    def name(self, number: int) -> str:
        """The path of an image inside of the shard."""
        begin = self.rows['name_end'][number - 1] if number else 0
        end = self.rows['name_end'][number]
        return os.fsdecode(self._body[self._names + int(begin):
                                      self._names + int(end)])


def head_of(shard: str) -> Head:
    """About a shard; it is indexed if its index is missing or old.

    Raises:
        OSError, ValueError: See :func:`scan`.
    """
    known = _known_head(shard)
    if known and list(known[:2]) == stamp_of(shard):
        return known
    return _indexed(shard).head


@lru_cache(4096)  # maps of a process: most systems allow 65,530
def index_of(shard: str, head: Head) -> Index:
    """The index of a shard.

    Args:
        shard: Path.
        head: The shard must still fit it.

    Raises:
        OSError: The shard is gone.
        RuntimeError: It has changed.
    """
    index = _mapped(shard, head) or _indexed(shard)
    if index.head != head:
        raise RuntimeError(_changed(shard))
    return index


def _changed(shard: str) -> str:
    return (f"'{shard}' has changed since this run found its images: put it "
            'back and go on with --resume, or start a new run.')


def read_member(shard: str, head: Head, offset: int, size: int) -> bytes:
    """The bytes of one image.

    Raises:
        OSError: The shard is gone, or its disk fails.
        RuntimeError: It has changed since it was indexed.
        ValueError: The image is larger than ``MAX_FILE_BYTES``.
    """
    if size > MAX_FILE_BYTES:
        raise ValueError(f'it has {size:,} bytes; at most {MAX_FILE_BYTES:,} '
                         'are read of an image')
    with open_regular(shard) as file:
        status = os.fstat(file.fileno())
        if (status.st_size, status.st_mtime_ns) != head[:2]:
            raise RuntimeError(_changed(shard))
        file.seek(offset)
        return file.read(size)


def read_by_name(path: str) -> bytes:
    """The bytes of an image by the path 'folder/shard.tar/name.jpg'.

    Raises:
        OSError, ValueError: The shard or the image is not there, or cannot be
            read.
    """
    shard, name = _apart(path)
    head = head_of(shard)
    number = _numbers(shard, head).get(name)
    if number is None:
        raise FileNotFoundError(f"'{shard}' holds no image '{name}'.")
    row = index_of(shard, head).rows[number]
    return read_member(shard, head, int(row['offset']), int(row['size']))


def stamp_by_name(path: str) -> list[int] | None:
    """As :func:`~rcg.datasets.remembered.stamp_of`, of the image's shard."""
    return stamp_of(_apart(path)[0])


def _apart(path: str) -> tuple[str, str]:
    """The path of a shard, and a name inside of it."""
    for match in re.finditer(r'\.tar/', path, re.IGNORECASE):
        shard = path[:match.end() - 1]
        if not os.path.isdir(shard):
            return shard, path[match.end():]
    raise FileNotFoundError(f"'{path}' names no tar shard.")


@lru_cache(4)
def _numbers(shard: str, head: Head) -> dict[str, int]:
    index = index_of(shard, head)
    return {index.name(i): i for i in range(head.count)}


def scan(shard: str) -> Index:
    """Read the headers of a shard.

    A sample is what has the same path up to the first dot of its name, as in
    webdataset. Its image has an ending of ``EXTENSIONS``. A label is a number
    in a file .cls, or under 'label' in a file .json. What is hidden is left
    out; so are images with two endings (a.seg.png), which are counted in a
    warning.

    Raises:
        OSError: There is no such shard.
        ValueError: It cannot be read, a sample has two images, or a label is
            no number. The message names it.
    """
    images, labels, others = {}, {}, []
    with open_regular(shard) as file:
        status = os.fstat(file.fileno())
        try:
            for member in members(file):
                _sort(member, file, images, labels, others)
        except ValueError as error:
            raise ValueError(f"the tar shard '{shard}' cannot be read: "
                             f'{error}.') from error
    if others:
        print_log(f"{len(others)} images of '{shard}' are left out, since "
                  f"their names have two endings: '{others[0]}'",
                  logger='current', level=30)
    rows = np.zeros(len(images), _ROW)
    names = [os.fsencode(member.name) for member in images.values()]
    rows['name_end'] = np.cumsum([len(name) for name in names], dtype='u8')
    for row, (key, member) in zip(rows, images.items(), strict=True):
        row['offset'], row['size'] = member.offset, member.size
        row['label'] = labels.get(key, -1)
    body = rows.tobytes() + b''.join(names)
    return Index(Head(status.st_size, status.st_mtime_ns, len(rows),
                      int((rows['label'] >= 0).sum()), _digest(body)), body)


def _sort(member: Member, file: BinaryIO, images: dict[str, Member],
          labels: dict[str, int], others: list[str]) -> None:
    """Put a member where it belongs."""
    folder, _, name = member.name.rpartition('/')
    if any(part[:1] == '.' for part in member.name.split('/')):
        return  # macOS puts ._photo.jpg beside photo.jpg
    stem, dot, ending = name.partition('.')
    key, ending = f'{folder}/{stem}', dot + ending.lower()
    if ending in EXTENSIONS:
        if key in images:
            raise ValueError(f"'{images[key].name}' and '{member.name}' are "
                             'two images of one sample: keep one')
        images[key] = member
    elif ending in ('.cls', '.json'):
        label = _label(member, ending, file)
        # A file .cls is the label; one .json may have another purpose.
        if label is not None and (ending == '.cls' or key not in labels):
            labels[key] = label
    elif ending.endswith(EXTENSIONS):
        others.append(member.name)


def _label(member: Member, ending: str, file: BinaryIO) -> int | None:
    """The class number that a member holds; None for JSON without any."""
    most = _MAX_CLS if ending == '.cls' else _MAX_JSON
    if member.size > most:
        raise ValueError(f"'{member.name}' has {member.size:,} bytes; at most "
                         f'{most:,} are read of such a file')
    file.seek(member.offset)
    content = file.read(member.size)
    if ending == '.cls':
        label = int(content) if re.fullmatch(rb'\s*\d{1,9}\s*', content) else (
            content)
    else:
        try:
            label = parse_json(content, object)
        except ValueError as error:
            raise ValueError(f"'{member.name}': {error}") from error
        label = label.get('label') if isinstance(label, dict) else None
        if label is None:
            return None
    if type(label) is not int or not 0 <= label <= _MAX_LABEL:
        raise ValueError(f"'{member.name}' must hold the number of a class, "
                         f'from 0 to {_MAX_LABEL:,}, got {label!r:.80}')
    return label


def _indexed(shard: str) -> Index:
    """Scan a shard, and remember what was found if there is a place."""
    index = scan(shard)
    path = _place(shard)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_atomically(path) as file:
            file.write(line_of([_VERSION, *index.head]))
            file.write(index._body)
    return index


def _place(shard: str) -> Path:
    return cache_file(_KIND, shard).with_suffix('.index')


def _known_head(shard: str) -> Head | None:
    entry = next(read_lines(_place(shard)), [])
    if len(entry) == 1 + len(Head._fields) and entry[0] == _VERSION:
        return Head(*entry[1:])
    return None


def _mapped(shard: str, head: Head) -> Index | None:
    """The remembered index of a shard, if it is intact and fits."""
    if head.count == 0 or _known_head(shard) != head:
        return None
    start = len(line_of([_VERSION, *head]))
    # Written files are replaced, never changed: a map of one stays whole.
    with contextlib.suppress(OSError, ValueError), open_regular(
            _place(shard)) as file:
        body = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if _digest(memoryview(body)[start:]) == head.digest:
            return Index(head, body, start)
    return None


def _digest(body: bytes | memoryview) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()
