"""Reading published checkpoints, whatever else they hold.

Besides weights, such files hold pickled arguments, callbacks and optimizers.
What is neither a tensor nor a plain value becomes a :class:`Placeholder`.
Weights stay on disk (memory-mapped) until they are used.
"""
import io
import mmap
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable

import safetensors.torch
import torch
from torch import Tensor

from rcg.checkpoint import CheckpointError
from rcg.checkpoint.finding import what_is_wrong
from rcg.checkpoint.inert import MAX_BYTES, Placeholder, load, plain_key

_DTYPES = {
    'FloatStorage': torch.float32, 'DoubleStorage': torch.float64,
    'HalfStorage': torch.float16, 'BFloat16Storage': torch.bfloat16,
    'LongStorage': torch.int64, 'IntStorage': torch.int32,
    'ShortStorage': torch.int16, 'CharStorage': torch.int8,
    'ByteStorage': torch.uint8, 'BoolStorage': torch.bool,
}
_LEGACY_MAGIC = 0x1950a86a20f9469cfc6c


def read_foreign(path: str) -> dict:
    """Read a checkpoint of any origin; nothing in it is executed.

    Args:
        path: A file that any version of ``torch.save`` wrote, or safetensors.

    Returns:
        What the file holds: tensors, plain values, placeholders. The tensors
        are memory-mapped: the file must not change while they are in use.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: It is no checkpoint, truncated or damaged.
    """
    path = os.path.expanduser(str(path))
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file '{path}'.")
    if wrong := what_is_wrong(path):
        raise CheckpointError(f"'{path}' is no checkpoint. {wrong}")
    try:
        content = _read(path)
    except (pickle.UnpicklingError, zipfile.BadZipFile, EOFError, LookupError,
            ValueError, TypeError, AttributeError, struct.error,
            safetensors.SafetensorError) as error:
        raise CheckpointError(
            f"'{path}' is no checkpoint, or a damaged or truncated one "
            f'({os.path.getsize(path):,} bytes; {str(error)[:200]}). '
            "Download it again and compare its size with the publisher's."
        ) from error
    if not isinstance(content, dict):
        kind = getattr(content, 'path', type(content).__name__)
        raise CheckpointError(f"'{path}' holds no dict of weights but a "
                              f'{kind}.')
    return content


def _read(path: str):
    with open(path, 'rb') as file:
        # safetensors: eight bytes for the length of a header in JSON, then it.
        if file.read(9)[8:] == b'{':
            return safetensors.torch.load_file(path)
        view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    if view[:2] == b'PK':
        return _read_zip(path, view)
    return _read_legacy(view)


def _read_zip(path: str, view: mmap.mmap):
    """Read the format of torch since 1.6: a zip archive."""
    with zipfile.ZipFile(path) as archive:
        records = {info.filename: info for info in archive.infolist()}
        main = next(n for n in records if n.endswith('/data.pkl'))
        if records[main].file_size > MAX_BYTES:
            raise pickle.UnpicklingError(
                f'its pickle has {records[main].file_size:,} bytes, as no '
                'checkpoint has')
        text = archive.read(main)
        root = main.removesuffix('data.pkl')
        if (root + 'byteorder' in records
                and archive.read(root + 'byteorder') != b'little'):
            raise ValueError('it was written by a big-endian machine')

    def storage(kind: Placeholder, key: str, size: int) -> Tensor:
        info, dtype = records[f'{root}data/{key}'], _dtype(kind)
        start = info.header_offset + 30 + sum(struct.unpack(
            '<HH', view[info.header_offset + 26:info.header_offset + 30]))
        if info.compress_type != zipfile.ZIP_STORED:
            raise ValueError('its weights are compressed')
        if size * dtype.itemsize != info.file_size:
            raise ValueError(f'the sizes of storage {key} differ')
        with memoryview(view)[start:start + info.file_size] as content:
            if zlib.crc32(content) != info.CRC:
                raise ValueError(f'the checksum of storage {key} is wrong')
        return _map(view, dtype, size, start)

    return _load(io.BytesIO(text), storage, len(view))


def _read_legacy(view: mmap.mmap):
    """Read the format of torch before 1.6: five pickles, then the storages."""
    file = io.BytesIO(view[:MAX_BYTES])
    if load(file) != _LEGACY_MAGIC or load(file) != 1001:
        raise pickle.UnpicklingError('torch.save did not write it')
    if not load(file).get('little_endian', True):
        raise ValueError('it was written by a big-endian machine')
    start, kinds, places = file.tell(), {}, {}

    def note(kind: Placeholder, key: str, size: int) -> None:
        kinds[key] = _dtype(kind)

    # Where the storages are is known only after the pickle that refers to
    # them. It is read twice: for their types, and then for the tensors.
    load(file, {}, lambda pid: note(*_storage_id(pid)[:3]))
    keys, place = load(file), file.tell()
    for key in keys:
        size, = struct.unpack('<q', view[place:place + 8])
        places[key] = (size, place + 8)
        place += 8 + size * kinds[key].itemsize
        if size < 0 or place > len(view):
            raise EOFError('it ends before its weights do')

    def storage(kind: Placeholder, key: str, size: int) -> Tensor:
        return _map(view, _dtype(kind), *places[key])

    file.seek(start)
    return _load(file, storage, len(view))


def _dtype(kind: Placeholder) -> torch.dtype:
    return _DTYPES[kind.path.rpartition('.')[2]]


def _map(view: mmap.mmap, dtype: torch.dtype, size: int,
         start: int) -> Tensor:
    """A storage of ``size`` elements from byte ``start`` on, as a tensor."""
    if size == 0:
        return torch.empty(0, dtype=dtype)
    if start % dtype.itemsize:  # not aligned: cannot be mapped
        content = bytearray(view[start:start + size * dtype.itemsize])
        return torch.frombuffer(content, dtype=dtype)
    return torch.frombuffer(view, dtype=dtype, count=size, offset=start)


def _storage_id(pid) -> tuple:
    """What a pickle says of a storage: (kind, key, size, view).

    The view, which only files of before torch 1.6 have, is a part of another
    storage. Else it is None.
    """
    if not (isinstance(pid, tuple) and len(pid) > 4 and pid[0] == 'storage'
            and isinstance(pid[2], str) and isinstance(pid[4], int)):
        raise pickle.UnpicklingError('it refers to something that is no '
                                     'storage of weights')
    view = pid[5] if len(pid) > 5 else None
    return pid[1], pid[2], pid[4], view


def _load(file: io.BytesIO, storage: Callable, file_size: int):
    """Unpickle; functions of ours make the tensors.

    Args:
        storage: (kind, key, size) -> the storage as a tensor (size,).
        file_size: Bytes. Tensors that are far larger in sum are refused.
    """
    described = 0

    def persistent_load(pid) -> Tensor:
        kind, key, size, part = _storage_id(pid)
        whole = storage(kind, key, size)
        return whole if part is None else whole[part[1]:part[1] + part[2]]

    def tensor(whole: Tensor, offset: int, size: tuple, stride: tuple,
               *_) -> Tensor:
        nonlocal described
        if not isinstance(whole, Tensor):
            raise TypeError('a tensor was to be made of something else')
        described += torch.Size(size).numel() * whole.element_size()
        if described > 4 * file_size + MAX_BYTES:
            raise ValueError('it describes more weights than it holds')
        return whole.as_strided(size, stride, offset)

    def ordered(items=()) -> dict:
        return {plain_key(name): value for name, value in items}

    functions = {
        'torch._utils._rebuild_tensor': tensor,
        'torch._utils._rebuild_tensor_v2': tensor,
        'torch._utils._rebuild_parameter': lambda data, *_: data,
        'torch._utils._rebuild_parameter_with_state': lambda data, *_: data,
        'torch._tensor._rebuild_from_type_v2':
            lambda function, kind, args, state: tensor(*args),
        'torch.Size': tuple,
        'collections.OrderedDict': ordered,
        'collections.defaultdict': lambda *_: {},
    }
    return load(file, functions, persistent_load)
