"""Tar files of any origin: where their members are. Nothing is unpacked.

The format is that of POSIX (ustar, pax), with GNU's long names. What only
unpacking needs is refused: links, devices, sparse files, and names that lead
out of a folder.
"""
import os
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
_MAX_NAME = 4096  # bytes, as most systems have it
_MAX_RECORDS = 1 << 20  # bytes; macOS keeps attributes of files there
_MAX_END = 1 << 20  # bytes of zeros at the end; usual are up to 10,240
_RECORD = re.compile(rb'(\d{1,7}) ([^=\n]{1,255})=')
_FILES, _FOLDER = b'0\x007', b'5'
_REFUSED = {b'1': 'a hard link', b'2': 'a symbolic link', b'3': 'a device',
            b'4': 'a device', b'6': 'a named pipe', b'S': 'a sparse file'}
_COMPRESSED = {b'\x1f\x8b': 'gzip', b'BZ': 'bzip2', b'\xfd7': 'xz',
               b'\x28\xb5': 'zstd'}


class Member(NamedTuple):
    """A regular file in a tar file.

    Attributes:
        name: Its path, relative, with /.
        offset: Of its first byte in the tar file.
        size: In bytes; all of them are there.
    """
    name: str
    offset: int
    size: int


def members(file: BinaryIO) -> Iterator[Member]:
    """The regular files in a tar file, in their order; folders are left out.

    Args:
        file: Open for reading, with random access. It is read in blocks of
            512 bytes; the content of members is passed over.

    Raises:
        ValueError: It is no tar file, damaged, cut off or compressed, or holds
            what is refused. The message does not name the file.
    """
    length = file.seek(0, os.SEEK_END)
    place, said = 0, {}  # what comes before a header and is about it
    while True:
        header = _read(file, place, _BLOCK)
        if header == _ZEROS:
            break
        kind, name, size = _parsed(header, place)
        data, place = place + _BLOCK, place + _BLOCK
        if kind in b'xgLK':
            place += _whole(size)
            said |= _said(kind, _read(file, data, size, _MAX_RECORDS))
            continue
        name, size = said.get('path', name), said.get('size', size)
        said = {}
        name = _checked(name, kind)
        if kind == _FOLDER or kind == b'\0' and name.endswith('/'):
            continue
        place += _whole(size)
        if data + size > length:
            raise ValueError(f"it is cut off: '{name}' should end at byte "
                             f'{data + size:,}, and the file at {length:,}')
        yield Member(name, data, size)
    if said:
        raise ValueError('a header about a member has no member after it')
    _check_end(file, place, length)


def _read(file: BinaryIO, place: int, size: int,
          most: int = _BLOCK) -> bytes:
    if size > most:
        raise ValueError(f'a header at byte {place:,} is of {size:,} bytes; '
                         f'at most {most:,} are read')
    file.seek(place)
    content = file.read(size)
    if len(content) < size:
        raise ValueError(
            f'it is cut off before byte {place + size:,}: two blocks of zeros '
            'must end it')
    return content


def _whole(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _parsed(header: bytes, place: int) -> tuple[bytes, str, int]:
    """Kind, name and size."""
    spaced = header[:148] + b' ' * 8 + header[156:]
    try:
        intact = _number(header[148:156]) == sum(spaced)
    except ValueError:
        intact = False
    if not intact:
        if not place and header[:2] in _COMPRESSED:
            raise ValueError('it is compressed with '
                             f'{_COMPRESSED[header[:2]]}, which leaves no '
                             'access to single images: decompress it')
        raise ValueError(f'the header at byte {place:,} is damaged' if place
                         else 'it does not begin like a tar file')
    name = header[:100].partition(b'\0')[0]
    if header[257:263] == b'ustar\0':  # GNU's has other things there
        prefix = header[345:500].partition(b'\0')[0]
        name = prefix + b'/' + name if prefix else name
    kind = header[156:157]
    # The size of a link may be that of the file it leads to.
    size = 0 if kind == _FOLDER else _number(header[124:136])
    return kind, os.fsdecode(name), size


def _number(field: bytes) -> int:
    """A number in octal digits, or in GNU's binary form for large ones."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], 'big')
    digits = field.strip(b' \0')
    if not re.fullmatch(rb'[0-7]+', digits):
        raise ValueError(f'a header has {field!r} for a number')
    return int(digits, 8)


def _said(kind: bytes, content: bytes) -> dict:
    """Name and size of the next member, as far as a header tells them."""
    if kind == b'K':  # the target of a link, which is refused then
        return {}
    if kind == b'L':
        return dict(path=os.fsdecode(content.partition(b'\0')[0]))
    found, place = {}, 0
    while place < len(content):
        match = _RECORD.match(content, place)
        end = place + int(match[1]) if match else 0
        if not match or not match.end() < end <= len(content) or (
                content[end - 1:end] != b'\n'):
            raise ValueError('the records of an extended header are damaged')
        key, value = match[2], content[match.end():end - 1]
        place = end
        if key == b'path':
            found['path'] = os.fsdecode(value)
        elif key == b'size' and re.fullmatch(rb'\d{1,18}', value):
            found['size'] = int(value)
        elif key == b'size' or key.startswith(b'GNU.sparse'):
            raise ValueError(f'an extended header says {key!r} is '
                             f'{value[:40]!r}: sparse and odd sizes are not '
                             'read')
    if found and kind == b'g':
        raise ValueError('one header gives all members the same name or size')
    return found


def _checked(name: str, kind: bytes) -> str:
    """The name of a member, without ./ before it."""
    if len(os.fsencode(name)) > _MAX_NAME:
        raise ValueError(f"the name '{name[:80]}...' has more than "
                         f'{_MAX_NAME:,} bytes')
    if kind not in _FILES and kind != _FOLDER:
        what = _REFUSED.get(kind, f'of the unknown kind {kind!r}')
        raise ValueError(f"'{name[:200]}' is {what}: write it again, with "
                         'files alone (tar --dereference --hard-dereference)')
    if name[:1] == '/' or '..' in name.split('/') or '\0' in name:
        raise ValueError(f"the name '{name[:200]}' leads out of the folder: "
                         'write it again, with relative names')
    name = name.removeprefix('./')
    if kind != _FOLDER and not name:
        raise ValueError('a member has no name')
    return name


def _check_end(file: BinaryIO, place: int, length: int) -> None:
    """Refuse a second tar file behind the end, which would go unread."""
    left = length - place
    file.seek(place)
    if left > _MAX_END or file.read(left).strip(b'\0'):
        raise ValueError(
            f'it ends at byte {place:,}, and more comes behind that: write '
            'it again, or cut files apart that were joined')
