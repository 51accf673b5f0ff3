"""The two formats of ``torch.save``, read without torch's own unpickler.

* A zip file (torch since 1.6): a pickle, and a member for each storage. Its
  checksums are compared; all are 0, and ignored, if it was written under
  ``torch.serialization.set_crc32_options(False)``.
* Five pickles, then the storages, without checksums (before torch 1.6).

Only what the file holds is read, and each storage once.
"""
import io
import mmap
import os
import pickle
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import torch
from torch import Tensor

from .inert import MAX_BYTES, load
from .tensors import StorageId, TensorMaker, check_truths
from .zip_members import Member, damaged, read_directory, start_of_content

_CHUNK = 1 << 20  # read and summed up while it is in the processor's cache
_LEGACY_MAGIC = 0x1950a86a20f9469cfc6c
_LEGACY_PICKLES = 64 << 20  # most bytes of them


class ChecksumError(pickle.UnpicklingError):
    """Bytes of a file are not those that were written."""


def read_torch(file: BinaryIO, mapped: bool):
    """Read a file of ``torch.save``; nothing in it is executed.

    Args:
        file: A regular file, open for reading without a buffer.
        mapped: Leave storages of a zip file on disk (memory-mapped) until
            they are used. The file must not change while they are.

    Returns:
        What the file holds: tensors, built-in values, and placeholders.

    Raises:
        pickle.UnpicklingError: It is damaged, or no such file.
        ChecksumError: A checksum is wrong.
    """
    file.seek(0)
    if file.read(2) == b'PK':
        return _ZipFile(file, mapped).content()
    return _LegacyFile(file).content()


class _ZipFile:
    """A zip file, and the storages that were read of it by key."""

    def __init__(self, file: BinaryIO, mapped: bool) -> None:
        self.file, self.members = file, read_directory(file)
        self.has_checksums = any(member.crc for member in
                                 self.members.values())
        self.view = None
        if mapped:
            self.view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        self.storages: dict[str, Tensor] = {}
        self.wrong: list[str] = []  # keys of storages with wrong checksums

    def content(self):
        mains = [name for name in self.members if name.endswith('/data.pkl')]
        if len(mains) != 1:
            raise damaged(f'it has {len(mains)} members data.pkl')
        self.root = mains[0].removesuffix('data.pkl')
        order = self.members.get(self.root + 'byteorder')
        if order is not None and self._bytes(order) != b'little':
            raise damaged('it was written by a big-endian machine')
        text = self._bytes(self.members[mains[0]])
        maker = TensorMaker(self._storage, os.fstat(
            self.file.fileno()).st_size, len(text))
        content = load(io.BytesIO(text), maker.functions(), maker.find)
        if self.wrong:
            places = {self.storages[key].data_ptr(): key
                      for key in self.wrong}
            told = [f'{key} ({", ".join(_names_at(content, place))})'
                    for place, key in list(places.items())[:4]]
            raise ChecksumError('the checksum of storage '
                                + ', '.join(told) + ' is wrong')
        return content

    def _bytes(self, member: Member) -> bytes:
        """Content of a small member."""
        name = member.name.decode(errors='replace')
        if member.size > MAX_BYTES:
            raise damaged(f'its pickle has {member.size:,} bytes, more than '
                          'any checkpoint')
        self.file.seek(start_of_content(self.file, member))
        content = self.file.read(member.size)
        if self.has_checksums and zlib.crc32(content) != member.crc:
            raise ChecksumError(f"the checksum of '{name}' is wrong")
        return content

    def _storage(self, wanted: StorageId) -> Tensor:
        if wanted.key in self.storages:
            found = self.storages[wanted.key]
            if found.dtype != wanted.dtype or len(found) != wanted.size:
                raise damaged(f'storage {wanted.key} has two types')
            return found
        member = self.members.get(f'{self.root}data/{wanted.key}')
        if member is None:
            raise damaged(f'storage {wanted.key[:80]} is missing')
        if wanted.size * wanted.dtype.itemsize != member.size:
            raise damaged(f'the sizes of storage {wanted.key} differ')
        start = start_of_content(self.file, member)
        if self.view is None or not member.size or (
                start % wanted.dtype.itemsize):
            self.file.seek(start)
            found = torch.empty(wanted.size, dtype=wanted.dtype)
            crc = fill(found, self.file)
        else:
            with memoryview(self.view)[start:start + member.size] as part:
                crc = zlib.crc32(part)
            found = torch.frombuffer(self.view, dtype=wanted.dtype,
                                     count=wanted.size, offset=start)
        if self.has_checksums and crc != member.crc:
            self.wrong.append(wanted.key)
        else:
            check_truths(found)
        self.storages[wanted.key] = found
        return found


def fill(values: Tensor, file: BinaryIO) -> int:
    """Read a contiguous tensor's values; return the CRC-32 of the bytes.

    Raises:
        pickle.UnpicklingError: The file ends before.
    """
    crc, done = 0, 0
    if not values.numel():
        return crc
    with memoryview(values.view(torch.uint8).numpy()) as place:
        while done < len(place):
            count = file.readinto(place[done:done + _CHUNK])
            if not count:
                raise damaged('it ends before its weights do')
            crc = zlib.crc32(place[done:done + count], crc)
            done += count
    return crc


def _names_at(content, place: int) -> Iterator[str]:
    """Dotted names of the first tensors of a storage, at an address."""
    waiting, seen, found = [('', content)], set(), 0
    while waiting and found < 3:
        name, value = waiting.pop()
        if isinstance(value, Tensor):
            if value.untyped_storage().data_ptr() == place or (
                    value.data_ptr() == place):
                found += 1
                yield f"'{name[:200]}'"
        elif isinstance(value, (dict, list, tuple)) and id(value) not in seen:
            seen.add(id(value))
            pairs = (value.items() if isinstance(value, dict)
                     else enumerate(value))
            waiting += [(f'{name}.{key}' if name else str(key), item)
                        for key, item in pairs
                        if isinstance(key, (str, int))]


class _LegacyFile:
    """A file of before torch 1.6, and the storages that it will fill."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = os.fstat(file.fileno()).st_size
        self.storages: dict[str, Tensor] = {}
        self.bytes_left = self.size

    def content(self):
        self.file.seek(0)
        text = io.BytesIO(self.file.read(_LEGACY_PICKLES))
        if load(text) != _LEGACY_MAGIC or load(text) != 1001:
            raise damaged('torch.save did not write it')
        about = load(text)
        if not isinstance(about, dict) or not about.get('little_endian',
                                                        True):
            raise damaged('it was written by a big-endian machine')
        maker = TensorMaker(self._storage, self.size, self.size)
        content = load(text, maker.functions(), maker.find)
        keys = load(text)
        if not isinstance(keys, list) or set(keys) != self.storages.keys():
            raise damaged('the list of its storages is damaged')
        self.file.seek(text.tell())
        for key in keys:
            values = self.storages[key]
            if self.file.read(8) != struct.pack('<q', len(values)):
                raise damaged(f'it is truncated, or the size of storage '
                              f'{key} is damaged')
            fill(values, self.file)
            check_truths(values)
        return content

    def _storage(self, wanted: StorageId) -> Tensor:
        """Room for a storage: its values follow after the pickles."""
        if wanted.key not in self.storages:
            self.bytes_left -= wanted.size * wanted.dtype.itemsize + 8
            if self.bytes_left < 0:
                raise damaged('it is truncated: its weights are larger than '
                              'the file')
            self.storages[wanted.key] = torch.empty(wanted.size,
                                                    dtype=wanted.dtype)
        found = self.storages[wanted.key]
        if found.dtype != wanted.dtype or len(found) != wanted.size:
            raise damaged(f'storage {wanted.key} has two types')
        return found
