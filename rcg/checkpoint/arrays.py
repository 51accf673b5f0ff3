"""Arrays of numpy in a pickle, built by us; numpy itself is not called.

A pickle rebuilds an array by calls of numpy's functions with a type, a shape
and bytes of its own choice. numpy believes them: a crafted file can have it
read and write outside of its memory.
"""
import pickle
import re

import torch

from .inert import Placeholder
from .tensors import check_shape, check_truths

_TYPES = {
    'b1': torch.bool, 'i1': torch.int8, 'i2': torch.int16, 'i4': torch.int32,
    'i8': torch.int64, 'u1': torch.uint8, 'u2': torch.uint16,
    'u4': torch.uint32, 'u8': torch.uint64, 'f2': torch.float16,
    'f4': torch.float32, 'f8': torch.float64, 'c8': torch.complex64,
    'c16': torch.complex128,
}
_MOST_TEXTS = 100_000  # each takes some 50 bytes
_MODULES = 'numpy.core.multiarray.', 'numpy._core.multiarray.'


def is_array(value) -> bool:
    """Whether a placeholder stands for an array or a number of numpy."""
    return isinstance(value, Placeholder) and value.path in [
        module + name for module in _MODULES
        for name in ('_reconstruct', 'scalar')]


def rebuild(array: Placeholder):
    """The array or number that a placeholder stands for.

    Returns:
        An array of numbers as a tensor, of texts as nested lists; a number
        or text of numpy as a built-in value.

    Raises:
        pickle.UnpicklingError: Type, shape and bytes do not fit together, or
            the array holds objects.
    """
    alone = array.path.endswith('scalar')
    told = ((None, (), *(array.args or ())) if alone else
            array.state if isinstance(array.state, tuple) else ())
    _, shape, dtype, *fortran, content = told if len(told) > 3 else [None] * 4
    shape, count = check_shape(shape)
    code, width = _type(dtype)
    if not (isinstance(content, bytes) and len(content) == count * width
            and len(told) == 5 - alone):
        raise pickle.UnpicklingError('an array of numpy is damaged')
    if code not in _TYPES:
        if count > _MOST_TEXTS:
            raise pickle.UnpicklingError(
                f'an array of numpy has over {_MOST_TEXTS:,} texts')
        texts = _texts(content, code[0], width)
        return texts[0] if not shape else _nested(texts, shape)
    values = torch.empty(0, dtype=_TYPES[code])
    if content:
        values = torch.frombuffer(bytearray(content), dtype=_TYPES[code])
        check_truths(values)
    if fortran and fortran[0]:
        values = values.reshape(shape[::-1]).permute(
            *reversed(range(len(shape)))).contiguous()
    return values.item() if alone else values.reshape(shape)


def num_bytes(array: Placeholder) -> int:
    """Bytes that rebuilding an array takes, as far as it can be told."""
    content = (array.args if array.path.endswith('scalar') else array.state)
    if isinstance(content, tuple) and content and isinstance(
            content[-1], bytes):
        return len(content[-1])
    return 0


def _type(dtype) -> tuple[str, int]:
    """A type's code, such as 'f8' or 'U3', and the bytes of an element.

    Raises:
        pickle.UnpicklingError: It is neither of numbers nor of text.
    """
    args = dtype.args if isinstance(dtype, Placeholder) else None
    state = getattr(dtype, 'state', None)
    code = args[0] if args else None
    if not (isinstance(code, str) and dtype.path == 'numpy.dtype'
            and isinstance(state, tuple) and len(state) > 4
            and state[1] in ('<', '|', '=') and state[2:5] == (None, ) * 3):
        raise pickle.UnpicklingError('an array of numpy has a damaged type')
    width = 0
    if code in _TYPES:
        width = _TYPES[code].itemsize
    elif re.fullmatch('[SU][1-9][0-9]{0,5}', code):
        width = int(code[1:]) * (4 if code[0] == 'U' else 1)
    # Types of fixed width have -1 in their state.
    if width and (len(state) < 6 or state[5] in (-1, width)):
        return code, width
    raise pickle.UnpicklingError(
        f'an array of numpy has the type {code[:20]!r}, neither numbers nor '
        'text, or a false width')


def _texts(content: bytes, kind: str, width: int) -> list:
    """Texts ('U') or bytes ('S') of one width, without padding."""
    items = [content[i:i + width] for i in range(0, len(content), width)]
    if kind == 'S':
        return [item.rstrip(b'\0') for item in items]
    return [item.decode('utf-32-le').rstrip('\0') for item in items]


def _nested(values: list, shape: list[int]) -> list:
    for length in reversed(shape[1:]):
        values = [values[i:i + length]
                  for i in range(0, len(values), max(length, 1))]
    return values
