"""What a file holds, in bounds, as tensors and built-in values."""
import pickle
from collections.abc import Callable

import torch
from torch import Tensor

from .arrays import is_array, num_bytes, rebuild
from .inert import MAX_STEPS, Placeholder, plain_key
from .tensors import DTYPES

MAX_DEPTH = 100  # of containers within containers
_MOST_BITS = 2048
_HISTORY = 'mmengine.logging.history_buffer.HistoryBuffer'
_STATISTICS = 'min', 'max', 'mean', 'current'
_BUILT_IN = 'builtins.', '__builtin__.'  # of Python 3, and of protocol 2


class RefusedError(pickle.UnpicklingError):
    """A file holds something else than data."""


def within_bounds(content, replace: Callable = lambda value: value):
    """Copy containers; refuse those that grow or sink when they are walked.

    A file can hold a list once and refer to it twice, in a list that another
    one refers to twice, and so on. Whoever walks over such a value never
    ends.

    Args:
        content: Of an inert pickle.
        replace: (placeholder) -> what takes its place.

    Raises:
        pickle.UnpicklingError: It is nested over ``MAX_DEPTH`` deep, holds
            itself, or has over ``MAX_STEPS`` values or a very long integer.
    """
    return _Walk(replace).copy(content, 0)[0]


class _Walk:
    """One walk over a value; containers are known by identity."""

    def __init__(self, replace: Callable) -> None:
        self.replace = replace
        # Originals, lest another object gets the same identity, and what
        # copy() returned. None: in the midst of it.
        self.known: dict[int, tuple] = {}

    def copy(self, value, depth: int) -> tuple:
        """(copy, number of values in it, depth of what is in it)."""
        if isinstance(value, int) and value.bit_length() > _MOST_BITS:
            raise pickle.UnpicklingError(
                f'it has an integer of over {_MOST_BITS} bits')
        if type(value) not in (dict, list, tuple, Placeholder):
            return value, 1, 0
        if id(value) in self.known:
            found = self.known[id(value)][1]
            if found is None:
                raise pickle.UnpicklingError('a container holds itself')
            if depth + found[2] > MAX_DEPTH:
                raise _too_deep()
            return found
        if depth >= MAX_DEPTH:
            raise _too_deep()
        self.known[id(value)] = value, None
        if type(value) is Placeholder:
            found = self.replace(value), 1, 0
        else:
            found = self._container(value, depth + 1)
        self.known[id(value)] = value, found
        return found

    def _container(self, value, depth: int) -> tuple:
        names, items = None, value
        if isinstance(value, dict):
            names = [self.copy(name, depth)[0] for name in value]
            items = value.values()
        copies = [self.copy(item, depth) for item in items]
        count = 1 + sum(number for _, number, _ in copies)
        if count > MAX_STEPS:
            raise pickle.UnpicklingError(
                f'it holds over {MAX_STEPS:,} values, as shared lists that '
                'are written out; no checkpoint does')
        below = 1 + max((found for *_, found in copies), default=0)
        copies = [item for item, *_ in copies]
        if names is not None:
            return dict(zip(map(plain_key, names), copies, strict=True)
                        ), count, below
        return type(value)(copies), count, below


def _too_deep() -> pickle.UnpicklingError:
    return pickle.UnpicklingError(
        f'it is nested over {MAX_DEPTH} deep, as no checkpoint is')


class DataOnly:
    """Replaces placeholders by tensors and built-in values, or refuses.

    Args:
        most_bytes: Of the arrays in sum; a file holds no more than its size.
    """

    def __init__(self, most_bytes: int) -> None:
        self.bytes_left = most_bytes

    def __call__(self, value: Placeholder):
        """What takes the place of a placeholder.

        Raises:
            RefusedError: It stands for more than data.
        """
        if is_array(value):
            return self._array(value)
        name = value.path
        for module in _BUILT_IN:
            name = name.removeprefix(module)
        if value.path == _HISTORY and value.args == ():
            return self._history(value.state)
        if name == 'getattr' and _is_statistic(value.args):
            return value.args[1]
        if name == 'set' and value.args is not None:
            items = [*(value.args[0] if value.args else ()), *value.items]
            if all(plain_key(item) is item and
                   not isinstance(item, Placeholder) for item in items):
                return set(items)
        if value.path in DTYPES and value.args is None:
            return DTYPES[value.path]
        if value.path == 'torch.device' and value.args:
            return torch.device(*value.args)
        raise RefusedError(_describe(value))

    def _array(self, value: Placeholder):
        self.bytes_left -= num_bytes(value)
        if self.bytes_left < 0:
            raise pickle.UnpicklingError('it has more arrays than bytes')
        return rebuild(value)

    def _history(self, state) -> dict:
        """A log history of MMEngine, as :func:`to_plain` writes it."""
        arrays = []
        for name in ('_log_history', '_count_history'):
            array = state.get(name) if isinstance(state, dict) else None
            rows = self._array(array) if is_array(array) else None
            if not isinstance(rows, Tensor) or rows.dim() != 1:
                raise pickle.UnpicklingError('a log history is damaged')
            arrays.append(rows.double())
        length = state.get('max_length')
        if type(length) is not int or len(arrays[0]) != len(arrays[1]):
            raise pickle.UnpicklingError('a log history is damaged')
        return {'__history__': True, 'max_length': length,
                'values': arrays[0], 'counts': arrays[1]}


def _is_statistic(args: tuple | None) -> bool:
    """Whether a call of getattr asks for a method of log histories."""
    return (args is not None and len(args) == 2
            and isinstance(args[0], Placeholder) and args[0].path == _HISTORY
            and args[1] in _STATISTICS)


def _describe(value: Placeholder) -> str:
    """The name of what was refused, and its attribute if it asks for one."""
    asked = value.args[1] if value.args and len(value.args) == 2 else None
    if value.path.endswith('.getattr') and isinstance(asked, str):
        return f'{value.path}, attribute {asked[:80]!r} refused'
    return value.path[:160]
