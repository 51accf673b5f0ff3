"""The directory of a zip file, read with every number checked.

``torch.save`` writes a zip file whose members are stored as they are. No
others are read: a compressed member could grow without end, and members that
overlap could be read many times.

Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, section 4.
"""
import os
import pickle
import struct
from typing import BinaryIO, NamedTuple

# Each tensor of a checkpoint is one member.
MAX_MEMBERS = 200_000
_ENTRY = struct.Struct('<4s6H3I5H2I')
_HEADER = struct.Struct('<4s5H3I2H')
_END = struct.Struct('<4s4H2IH')
_END_64 = struct.Struct('<4sQ2H2I4Q')
_LOCATOR = struct.Struct('<4sIQI')
_LONGEST_END = _END.size + 0xffff  # with the longest comment
_DESCRIPTOR = 0x8  # bit of the flags: the sizes follow the content
_FLAGS = _DESCRIPTOR | 0x800 | 0x6  # or: the name is UTF-8; compression level


class Member(NamedTuple):
    """A file in a zip file.

    Attributes:
        name: As the directory has it.
        flags: As the directory has them.
        header: Where its header begins in the zip file, in bytes.
        size: Bytes of its content.
        packed: Bytes that it takes in the zip file; if it is not compressed,
            its size.
        method: Of compression; 0 for none.
        crc: CRC-32 of its content.
        limit: Where the next member, or else the directory, begins.
    """
    name: bytes
    flags: int
    header: int
    size: int
    packed: int
    method: int
    crc: int
    limit: int


def damaged(reason: str) -> pickle.UnpicklingError:
    """The error of all that reads a file's bytes."""
    return pickle.UnpicklingError(reason)


def read_directory(file: BinaryIO) -> dict[str, Member]:
    """Members of a zip file by name.

    Args:
        file: A regular file, open for reading.

    Raises:
        pickle.UnpicklingError: It is truncated or damaged, or its members
            are encrypted, overlap or exceed the file.
    """
    count, start, size = _find_directory(file)
    file.seek(start)
    content = file.read(size)
    entries, place = [], 0
    for _ in range(count):
        entry, place = _parse_entry(content, place)
        entries.append(entry)
    if place != size or len(content) != size:
        raise damaged('the directory of the zip file is damaged')
    entries.sort(key=lambda entry: entry.header)
    limits = [entry.header for entry in entries[1:]] + [start]
    members = {}
    for entry, limit in zip(entries, limits, strict=True):
        if (entry.header + _HEADER.size + len(entry.name) + entry.packed
                > limit):
            raise damaged('members of the zip file overlap or exceed it')
        members[_text(entry.name)] = entry._replace(limit=limit)
    if len(members) != count:
        raise damaged('two members of the zip file have one name')
    return members


def start_of_content(file: BinaryIO, member: Member) -> int:
    """Where the content of a member begins in the zip file, in bytes.

    Raises:
        pickle.UnpicklingError: The member is compressed, or its header
            contradicts the directory.
    """
    if member.method or member.packed != member.size:
        raise damaged(f"the member '{_text(member.name)}' is compressed, "
                      'which torch.save never does')
    file.seek(member.header)
    head = file.read(_HEADER.size + len(member.name))
    if len(head) < _HEADER.size + len(member.name):
        raise damaged('it ends before a member does')
    sign, _, flags, method, _, _, crc, packed, size, _, extra = (
        _HEADER.unpack_from(head))
    told = (crc, packed, size)
    # Sizes of 4 GiB and more are in the directory alone.
    right = (crc in (0, member.crc) and all(
        it in (0, 0xffffffff, member.size) for it in (packed, size)))
    if not flags & _DESCRIPTOR:
        right = right and told[0] == member.crc
    start = member.header + len(head) + extra
    if (sign != b'PK\3\4' or head[_HEADER.size:] != member.name
            or flags != member.flags or method or not right
            or start + member.size > member.limit):
        raise damaged(f"the header of '{_text(member.name)}' is damaged")
    return start


def _find_directory(file: BinaryIO) -> tuple[int, int, int]:
    """(number of entries, first byte, bytes) of the directory."""
    total = file.seek(0, os.SEEK_END)
    tail_start = max(total - _LONGEST_END, 0)
    file.seek(tail_start)
    tail = file.read(_LONGEST_END)
    place = len(tail) - _END.size + 1
    while True:
        place = tail.rfind(b'PK\5\6', 0, max(place, 0) + 3)
        if place < 0:
            raise damaged('it is truncated: the end, with the list of what '
                          'is inside, is missing')
        end = _END.unpack_from(tail, place)
        if place + _END.size + end[-1] == len(tail):
            break
    _, disk, first_disk, here, count, size, start, _ = end
    place += tail_start
    if place >= _LOCATOR.size:
        file.seek(place - _LOCATOR.size)
        sign, _, at, _ = _LOCATOR.unpack(file.read(_LOCATOR.size))
        if sign == b'PK\6\7':
            file.seek(min(at, total))
            content = file.read(_END_64.size)
            if at + _END_64.size > place or content[:4] != b'PK\6\6':
                raise damaged('the end of the zip file is damaged')
            place = at
            *_, disk, first_disk, here, count, size, start = (
                _END_64.unpack(content))
    if (disk or first_disk or here != count or start + size != place
            or count > MAX_MEMBERS or size < count * _ENTRY.size
            or size > count * (_ENTRY.size + 1024)):
        raise damaged('the end of the zip file is damaged')
    return count, start, size


def _parse_entry(content: bytes, place: int) -> tuple[Member, int]:
    """An entry of the directory, and where the next one begins."""
    if place + _ENTRY.size > len(content):
        raise damaged('the directory of the zip file is damaged')
    (sign, _, _, flags, method, _, _, crc, packed, size, name_length,
     extra_length, comment_length, disk, _, _, header) = _ENTRY.unpack_from(
         content, place)
    if sign != b'PK\1\2' or disk:
        raise damaged('the directory of the zip file is damaged')
    name_start = place + _ENTRY.size
    extra_start = name_start + name_length
    extra = content[extra_start:extra_start + extra_length]
    name = content[name_start:extra_start]
    size, packed, header = _with_extra(extra, size, packed, header)
    if flags & ~_FLAGS:
        raise damaged(f"the member '{_text(name)}' is encrypted or damaged")
    entry = Member(name, flags, header, size, packed, method, crc, 0)
    return entry, extra_start + extra_length + comment_length


def _with_extra(extra: bytes, *values: int) -> list[int]:
    """Replace values that do not fit in 32 bits by those of the extra field.
    """
    found, place = b'', 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from('<2H', extra, place)
        if kind == 1:
            found = extra[place + 4:place + 4 + length]
        place += 4 + length
    place, wide = 0, []
    for value in values:
        if value == 0xffffffff and place + 8 <= len(found):
            value, = struct.unpack_from('<Q', found, place)
            place += 8
        wide.append(value)
    return wide


def _text(name: bytes) -> str:
    """A name; damaged bytes are replaced, and so match no other name."""
    return name.decode('utf-8', 'backslashreplace')
