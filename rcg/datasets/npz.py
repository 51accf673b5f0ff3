"""Arrays of npz files of any origin.

``np.load`` believes what a file says of itself: it allocates every declared
shape, inflates without bound, and evaluates the text of a header. Here all
declarations are compared with each other and with the size of the file before
anything is allocated.

Formats: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
and https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""
import math
import os
import re
import struct
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

import numpy as np

from rcg.files import open_regular

# What compressed members may inflate to: photographs and statistics shrink by
# less than half, uniform images by up to a thousand.
MAX_INFLATED_BYTES = 64 << 20
MAX_INFLATION = 32  # times the size of the file, if that is more
MAX_DIRECTORY_BYTES = 256 << 10  # of a zip archive; about 3000 arrays
MAX_HEADER_BYTES = 10_000  # that of numpy
MAX_DIMS = 8

_BLOCK = 256 << 10
_DTYPE = re.compile(r'[<>|=]?(b1|[iu][1248]|f[248]|c8|c16'
                    r'|[SU][1-9][0-9]{0,7})')
_PAIR = re.compile(
    r"\s*'(descr|fortran_order|shape)'\s*:\s*"
    r"('[^']*'|True|False|\([0-9L, ]*\))\s*(,|(?=\}))")


class _Header(NamedTuple):
    """What stands before the numbers of an array."""
    dtype: np.dtype
    shape: tuple[int, ...]
    fortran: bool
    length: int  # of the header itself, in bytes

    @property
    def bytes(self) -> int:
        """Size of the numbers."""
        return math.prod(self.shape) * self.dtype.itemsize


class _BoundedFile:
    """A file of which no more than a block is read at once.

    ``zipfile`` reads the whole directory of an archive in one call, however
    long the archive says that it is.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.seek, self.tell = file.seek, file.tell
        self.seekable, self._read = file.seekable, file.read

    def read(self, size: int = -1) -> bytes:
        if size < 0:  # the end record: to the end of the file
            size = MAX_DIRECTORY_BYTES
        if size > MAX_DIRECTORY_BYTES:
            raise ValueError('its directory is too long')
        return self._read(size)


def array_names(path: str) -> list[str]:
    """Names of the arrays in an npz file.

    Raises:
        OSError: There is no such file, or it cannot be read.
        ValueError: It is damaged, or no npz file.
    """
    with _opened(path) as (_, archive):
        return [_name_of(info) for info in archive.infolist()]


def read_arrays(path: str, names: Collection[str]) -> dict[str, np.ndarray]:
    """Read some arrays of an npz file.

    Args:
        path: The file.
        names: Which arrays, if they are there.

    Returns:
        Arrays by name, of numbers, of bool or of text, in the byte order of
        this machine.

    Raises:
        OSError: There is no such file, or it cannot be read.
        ValueError: It is damaged or no npz file, holds something else than
            such arrays, or inflates beyond ``MAX_INFLATED_BYTES`` and
            ``MAX_INFLATION``.
    """
    with _opened(path) as (file, archive):
        members = [info for info in archive.infolist()
                   if _name_of(info) in names]
        _check_inflation(members, file)
        return {_name_of(info): _read(archive, info)
                for info in members}


def map_array(path: str, name: str) -> np.ndarray:
    """An array of an npz file: memory-mapped, or read if it is compressed.

    Raises:
        OSError, ValueError: Those of :func:`read_arrays`; or there is no such
            array.
    """
    with _opened(path) as (file, archive):
        info = next((info for info in archive.infolist()
                     if _name_of(info) == name), None)
        if info is None:
            raise ValueError(f'there is no {name}')
        if info.compress_type != zipfile.ZIP_STORED:
            _check_inflation([info], file)
            return _read(archive, info)
        with archive.open(info) as member:
            header = _read_header(member, info)
        file.seek(info.header_offset + 26)  # lengths of name and extra field
        name_and_extra = sum(struct.unpack('<HH', file.read(4)))
        start = info.header_offset + 30 + name_and_extra + header.length
        if start + header.bytes > archive.start_dir:
            raise ValueError(f'{name} reaches into the directory')
        if not header.bytes:
            return np.empty(header.shape, header.dtype)
        return np.memmap(file, header.dtype, 'r', start, header.shape,
                         'F' if header.fortran else 'C')


@contextmanager
def _opened(path: str) -> Iterator[tuple[BinaryIO, zipfile.ZipFile]]:
    """A file and its archive; every error of reading names the file."""
    with open_regular(path) as file:
        try:
            with zipfile.ZipFile(_BoundedFile(file)) as archive:
                _check_members(archive)
                yield file, archive
        except OSError as error:
            if error.errno not in (None, 22):  # a seek before the beginning
                raise
            raise _damaged(path, error) from error
        except Exception as error:  # zipfile raises nearly any type
            raise _damaged(path, error) from error


def _damaged(path: str, error: Exception) -> ValueError:
    reason = str(error)[:200] or type(error).__name__
    return ValueError(f"'{path}' is no npz file, or a damaged or truncated "
                      f'one ({reason}).')


def _name_of(info: zipfile.ZipInfo) -> str:
    return info.filename.removesuffix('.npy')


def _check_members(archive: zipfile.ZipFile) -> None:
    """Refuse members that share a name or bytes of the file."""
    members = sorted(archive.infolist(), key=lambda info: info.header_offset)
    names = Counter(_name_of(info) for info in members)
    name, count = max(names.items(), key=lambda item: item[1],
                      default=('', 0))
    if count > 1:
        raise ValueError(f'{count} members are named {name[:80]!r}')
    ends = [info.header_offset for info in members[1:]]
    for info, end in zip(members, [*ends, archive.start_dir], strict=False):
        if info.header_offset + 30 + info.compress_size > end:
            raise ValueError(f'{info.filename[:80]!r} reaches into what '
                             'follows it')


def _check_inflation(members: list[zipfile.ZipInfo], file: BinaryIO) -> None:
    limit = max(MAX_INFLATED_BYTES,
                MAX_INFLATION * os.fstat(file.fileno()).st_size)
    size = sum(info.file_size for info in members)
    if size > limit:
        raise ValueError(f'it inflates to {size:,} bytes; at most {limit:,} '
                         'are read of a file of its size')


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(info) as member:
        header = _read_header(member, info)
        flat = np.empty(header.bytes, np.uint8)
        done = 0
        while block := member.read(_BLOCK):  # to the end, and its checksum
            if done + len(block) > header.bytes:
                break
            flat[done:done + len(block)] = np.frombuffer(block, np.uint8)
            done += len(block)
    if block or done != header.bytes:
        raise ValueError(f'{info.filename[:80]!r} ends elsewhere than it says')
    if not header.bytes:
        return np.empty(header.shape, header.dtype.newbyteorder('='))
    array = flat.view(header.dtype).reshape(
        header.shape, order='F' if header.fortran else 'C')
    if header.dtype.kind == 'b' and flat.max() > 1:
        raise ValueError(f'{info.filename[:80]!r} holds bools that are '
                         'neither 0 nor 1')
    return array.astype(header.dtype.newbyteorder('='), copy=False)


def _read_header(member: zipfile.ZipExtFile, info: zipfile.ZipInfo
                 ) -> _Header:
    """Read the header of an array; compare it with the size of its member.

    Raises:
        ValueError: It is damaged, is that of Python objects or of a
            structure, or declares another size.
    """
    name = info.filename[:80]
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f'{name!r} is compressed by method '
                         f'{info.compress_type}, which numpy does not write')
    head = _exactly(member, 8)
    if head[:6] != b'\x93NUMPY' or head[6] not in (1, 2, 3):
        raise ValueError(f'{name!r} holds no array')
    width, form = (2, '<H') if head[6] == 1 else (4, '<I')
    length, = struct.unpack(form, _exactly(member, width))
    if length > MAX_HEADER_BYTES:
        raise ValueError(f'{name!r} has a header of {length:,} bytes')
    text = _exactly(member, length).decode(
        'utf-8' if head[6] == 3 else 'latin-1')
    dtype, shape, fortran = _parse_header(text, name)
    header = _Header(dtype, shape, fortran, 8 + width + length)
    if header.length + header.bytes != info.file_size or (
            info.compress_type == zipfile.ZIP_STORED
            and info.file_size != info.compress_size):
        raise ValueError(f'{name!r} declares {dtype} {shape}, which is not '
                         'what is stored')
    return header


def _exactly(member: zipfile.ZipExtFile, size: int) -> bytes:
    content = member.read(size)
    if len(content) != size:
        raise ValueError(f'{member.name[:80]!r} is cut off')
    return content


def _parse_header(text: str, name: str
                  ) -> tuple[np.dtype, tuple[int, ...], bool]:
    """dtype, shape and order of an array, without evaluating anything."""
    body, found, place = text.strip(), {}, 1
    while match := _PAIR.match(body, place):
        if match[1] in found:
            raise ValueError(f'{name!r} has a header with one key twice')
        found[match[1]], place = match[2], match.end()
    kind = found.get('descr', '')[1:-1]
    if kind == '|O' or "'|O'" in text:
        raise ValueError(f'Object arrays are refused: {name!r} holds '
                         'Python objects, never read')
    if (not body.startswith('{') or body[place:].strip() != '}'
            or len(found) != 3 or not _DTYPE.fullmatch(kind)
            or found['fortran_order'] not in ('True', 'False')
            or found['shape'][0] != '('):
        raise ValueError(f'{name!r} must hold numbers or text, its header '
                         f'says {body[:80]!r}')
    return (np.dtype(kind), _parse_shape(found['shape'], name),
            found['fortran_order'] == 'True')


def _parse_shape(text: str, name: str) -> tuple[int, ...]:
    """Sizes from '(3, 4)', '(3,)' or '()'; Python 2 wrote '(3L,)'."""
    sizes = [size.strip(' L') for size in text[1:-1].split(',')]
    if not sizes[-1]:
        sizes.pop()
    if len(sizes) > MAX_DIMS or not all(
            size.isdecimal() and len(size) < 20 for size in sizes):
        raise ValueError(f'{name!r} has an impossible shape, {text[:80]}')
    return tuple(map(int, sizes))
