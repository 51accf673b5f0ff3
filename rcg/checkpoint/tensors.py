"""Tensors of a pickle, made by functions of ours from checked arguments."""
import pickle
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from .inert import MAX_BYTES, Placeholder, plain_key

_STORAGES = {
    'FloatStorage': torch.float32, 'DoubleStorage': torch.float64,
    'HalfStorage': torch.float16, 'BFloat16Storage': torch.bfloat16,
    'LongStorage': torch.int64, 'IntStorage': torch.int32,
    'ShortStorage': torch.int16, 'CharStorage': torch.int8,
    'ByteStorage': torch.uint8, 'BoolStorage': torch.bool,
    'ComplexFloatStorage': torch.complex64,
    'ComplexDoubleStorage': torch.complex128, 'UntypedStorage': torch.uint8,
}
# By the names that they have in a pickle.
DTYPES = {str(dtype): dtype for dtype in (
    *_STORAGES.values(), torch.uint16, torch.uint32, torch.uint64,
    torch.float8_e4m3fn, torch.float8_e5m2)}
_MOST_DIMENSIONS = 32
_MOST = 1 << 60


class StorageId(NamedTuple):
    """What a pickle says of a storage.

    Attributes:
        dtype: Of its elements.
        key: Its name in the file.
        size: Number of its elements.
        part: (first element, number of elements) if only these are meant;
            in files of before torch 1.6.
    """
    dtype: torch.dtype
    key: str
    size: int
    part: tuple[int, int] | None


class Storage(NamedTuple):
    """Elements that tensors are views of; ``values`` has one dimension."""
    values: Tensor


def storage_id(pid) -> StorageId:
    """Check what a pickle says of a storage.

    Raises:
        pickle.UnpicklingError: It is no storage of a known type.
    """
    if not (isinstance(pid, tuple) and len(pid) in (5, 6)
            and pid[0] == 'storage' and isinstance(pid[1], Placeholder)
            and isinstance(pid[2], str) and _is_count(pid[4])):
        raise pickle.UnpicklingError('it refers to something that is no '
                                     'storage of weights')
    module, _, name = pid[1].path.rpartition('.')
    if module.partition('.')[0] != 'torch' or name not in _STORAGES:
        raise pickle.UnpicklingError(
            f'it has a storage of type {pid[1].path[:80]}, which is not '
            'known')
    return StorageId(_STORAGES[name], pid[2], pid[4],
                     _part(pid[5]) if len(pid) == 6 else None)


def _part(view) -> tuple[int, int] | None:
    """(first, number) of (key, first, number), which describes a part."""
    if view is None:
        return None
    if not (isinstance(view, tuple) and len(view) == 3
            and all(map(_is_count, view[1:]))):
        raise pickle.UnpicklingError('a part of a storage is damaged')
    return view[1:]


def _is_count(value) -> bool:
    return type(value) is int and 0 <= value < _MOST


def _counts(values) -> list[int]:
    """A short list of numbers that are not negative."""
    if not (isinstance(values, (tuple, list))
            and len(values) <= _MOST_DIMENSIONS
            and all(map(_is_count, values))):
        raise pickle.UnpicklingError('the shape of a tensor is damaged')
    return list(values)


def check_truths(values: Tensor) -> None:
    """Check that a tensor of truth values holds the bytes 0 and 1 alone.

    Others are undefined for torch, which counts them in one way and copies
    them in another.

    Raises:
        pickle.UnpicklingError: It holds others.
    """
    if (values.dtype == torch.bool and values.numel()
            and values.view(torch.uint8).max() > 1):
        raise pickle.UnpicklingError('truth values are neither 0 nor 1')


def check_shape(shape) -> tuple[int, int]:
    """Check a shape from a file.

    Returns:
        Its dimensions; the number of elements.

    Raises:
        pickle.UnpicklingError: It is negative, absurd or no shape.
    """
    shape, count, largest = _counts(shape), 1, 1
    for length in shape:
        count *= length
        largest *= max(length, 1)  # torch multiplies these for its strides
    if largest >= _MOST:
        raise pickle.UnpicklingError('the shape of a tensor is damaged')
    return shape, count


class TensorMaker:
    """Makes the tensors of one pickle.

    Args:
        storage: Finds a whole storage.
        file_size: Bytes. Tensors that are far larger in sum are refused.
        pickle_size: Bytes. So many are decoded at most.
    """

    def __init__(self, storage: Callable[[StorageId], Tensor],
                 file_size: int, pickle_size: int) -> None:
        self.storage = storage
        self.bytes_left = 4 * file_size + MAX_BYTES
        self.text_left = pickle_size

    def functions(self) -> dict[str, Callable]:
        """Functions of ours by the names of those that a file calls.

        None is torch's or numpy's own: those trust their arguments.
        """
        return {
            'torch._utils._rebuild_tensor': self.tensor,
            'torch._utils._rebuild_tensor_v2': self.tensor,
            'torch._utils._rebuild_tensor_v3': self.tensor_of_dtype,
            'torch._utils._rebuild_parameter': _parameter,
            'torch._utils._rebuild_parameter_with_state': _parameter,
            'torch._tensor._rebuild_from_type_v2': self.tensor_of_type,
            'torch.Size': _size,
            'collections.OrderedDict': _empty_or_pairs,
            'collections.defaultdict': _empty,
            'collections.Counter': _counter,
            '_codecs.encode': self.encode,
            'builtins.bytes': _no_bytes,
            '__builtin__.bytes': _no_bytes,
        }

    def find(self, pid) -> Storage:
        """The storage that a pickle refers to."""
        wanted = storage_id(pid)
        values = self.storage(wanted)
        if wanted.part is not None:
            first, count = wanted.part
            if first + count > len(values):
                raise pickle.UnpicklingError('a part exceeds its storage')
            values = values[first:first + count]
        return Storage(values)

    def tensor(self, storage: Storage, offset: int, size: tuple,
               stride: tuple, requires_grad: bool = False, hooks=None,
               metadata=None) -> Tensor:
        """A view of a storage; its arguments are those of torch.

        Raises:
            pickle.UnpicklingError: It would leave the storage.
        """
        if not isinstance(storage, Storage) or not _is_count(offset):
            raise pickle.UnpicklingError('a tensor was to be made of '
                                         'something else')
        if metadata:
            raise pickle.UnpicklingError('it has a conjugated or negated '
                                         'tensor: save its clone()')
        size, count = check_shape(size)
        stride, values = _counts(stride), storage.values
        # The offset counts from the part's first element, if it is a part.
        last = sum((n - 1) * step
                   for n, step in zip(size, stride, strict=True))
        if offset > len(values) or (count and offset + last >= len(values)):
            raise pickle.UnpicklingError('a tensor exceeds its storage')
        self.bytes_left -= count * values.element_size()
        if self.bytes_left < 0:
            raise pickle.UnpicklingError('it describes more weights than it '
                                         'holds')
        return values.as_strided(size, stride,
                                 values.storage_offset() + offset)

    def tensor_of_dtype(self, storage: Storage, offset: int, size: tuple,
                        stride: tuple, requires_grad, hooks, dtype,
                        metadata=None) -> Tensor:
        """A view of a storage of bytes; see :meth:`tensor`."""
        known = (dtype.path if isinstance(dtype, Placeholder) else '')
        if known not in DTYPES or not isinstance(storage, Storage) or (
                storage.values.dtype != torch.uint8
                or len(storage.values) % DTYPES[known].itemsize):
            raise pickle.UnpicklingError('the type of a tensor is damaged')
        typed = storage.values.view(DTYPES[known])
        return self.tensor(Storage(typed), offset, size, stride,
                           metadata=metadata)

    def tensor_of_type(self, function: Placeholder, kind, args: tuple,
                       state) -> Tensor:
        """A tensor of a subclass becomes a plain one."""
        made_by = {f'torch._utils._rebuild_tensor{end}': method
                   for end, method in (('_v2', self.tensor),
                                       ('_v3', self.tensor_of_dtype))}
        ours = made_by.get(getattr(function, 'path', None))
        if ours is None or not isinstance(args, tuple):
            raise pickle.UnpicklingError('a tensor was to be made by '
                                         'something else')
        return ours(*args)

    def encode(self, text: str, encoding: str) -> bytes:
        """Bytes, which a pickle of protocol 2 holds as text."""
        if not isinstance(text, str) or encoding not in ('latin1', 'latin-1'):
            raise pickle.UnpicklingError('a text was to be encoded in an '
                                         'unknown way')
        self.text_left -= len(text)
        if self.text_left < 0:
            raise pickle.UnpicklingError('it decodes more text than it holds')
        return text.encode('latin-1')


def _parameter(data: Tensor, *_) -> Tensor:
    return data


def _size(values=()) -> tuple:
    return tuple(_counts(values))


def _no_bytes() -> bytes:
    return b''


def _empty(*_) -> dict:
    return {}


def _counter(counts=None) -> dict:
    if not isinstance(counts, dict):
        raise pickle.UnpicklingError('a counter of no dict')
    return counts


def _empty_or_pairs(items=()) -> dict:
    if not isinstance(items, (list, tuple)):
        raise pickle.UnpicklingError('a dict of no pairs')
    return {plain_key(name): value for name, value in items}
