"""Reading checkpoints without running what is in them.

A pickle may name functions and have them called. Here they never are: see
:mod:`rcg.checkpoint.inert`. Tensors are views of checked storages, and arrays
of numpy, which stock MMEngine writes, are rebuilt by us.
"""
import os
import pickle
import stat
from collections.abc import Callable
from functools import partial
from typing import BinaryIO

import numpy as np
import safetensors
import safetensors.torch
import torch
from mmengine.logging import HistoryBuffer

from .checksums import wrong_checksums
from .finding import CONVERT, CheckpointError, find_checkpoint, what_is_wrong
from .torch_files import ChecksumError, read_torch
from .utf8 import utf8_path
from .values import DataOnly, RefusedError, within_bounds

# Bytes of the header of a safetensors file: some 60,000 tensors.
_MOST_NAMES = 8 << 20


class DamageError(CheckpointError):
    """Bytes of a file have changed since it was written."""


def to_plain(value):
    """Replace numpy values by tensors and built-ins, histories by dicts."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        numeric = value.dtype.kind in 'biufc'
        return torch.from_numpy(value.copy()) if numeric else value.tolist()
    if isinstance(value, HistoryBuffer):
        state = vars(value)
        return {'__history__': True, 'max_length': state['max_length'],
                'values': to_plain(np.asarray(state['_log_history'], 'f8')),
                'counts': to_plain(np.asarray(state['_count_history'], 'f8'))}
    if isinstance(value, dict):
        return {k: to_plain(v) for k, v in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(to_plain, value))
    return value


def read_checkpoint(path: str, mapped: bool = False) -> dict:
    """Read a file on the CPU; nothing in it is executed.

    The checksum of each tensor is compared with that in the file. A file of
    5.4 GB in the page cache took 6 to 7 s on one core, of which the checksums
    take 2 to 3 s; ``torch.load``, which compares none, took 4 s. The weights
    are in memory once.

    Args:
        path: A file of ``torch.save`` or safetensors, or a work folder; see
            :func:`find_checkpoint`.
        mapped: Leave tensors of ``torch.save`` on disk, mapped into memory,
            after their checksums were compared. For who copies them at once:
            a file that is cut short while they are used ends the process. It
            takes a third of the time. Those of safetensors always are.

    Returns:
        What it holds, without ``meta['config']``: MMEngine would execute it.
        Arrays of numpy are tensors, its numbers are built-in values, and log
        histories are dicts, see :func:`to_plain`.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: It is damaged, unreadable, or holds more than data.
            A wrong checksum is its subclass :class:`DamageError`.
    """
    content = read_values(path, mapped)
    if not isinstance(content, dict):
        raise CheckpointError(f"The checkpoint '{path}' is damaged: it holds "
                              f'a {type(content).__name__}, not a dict.')
    if isinstance(content.get('meta'), dict):
        content['meta'].pop('config', None)
    return content


def read_values(path: str, mapped: bool = False):
    """Read a file as :func:`read_checkpoint` does, whatever it holds."""
    _check_regular(path)
    path = find_checkpoint(path)
    try:
        return read_file(path, partial(_strictly, mapped=mapped))
    except RefusedError as error:
        raise CheckpointError(
            f"The checkpoint '{path}' was refused: it holds more than "
            f'weights and plain values ({_in_a_line(str(error))}). Nothing '
            'in it was '
            f'executed. If it is a published file, {CONVERT}{path}'
        ) from error


def _strictly(file: BinaryIO, mapped: bool):
    content = read_torch(file, mapped)
    return within_bounds(content, DataOnly(os.fstat(file.fileno()).st_size))


def _check_regular(path: str) -> None:
    """Refuse what is there but neither a file nor a folder.

    Reading a FIFO would wait without end, a device may never end.

    Raises:
        CheckpointError: It is such a thing, or a link to one.
    """
    path = os.path.expanduser(str(path))
    if os.path.exists(path) and not (os.path.isfile(path)
                                     or os.path.isdir(path)):
        raise CheckpointError(
            f"'{path}' is not a file but a device, a socket or a FIFO "
            '(or a link to one): give the path of a checkpoint.')


def read_file(path: str, read_pickled: Callable[[BinaryIO], object]):
    """Read a file; all that goes wrong becomes one sentence.

    Args:
        path: Of a file; links are followed.
        read_pickled: Reads what is no safetensors file.

    Raises:
        CheckpointError: See :func:`read_checkpoint`.
        RefusedError: As ``read_pickled`` does.
    """
    _check_regular(path)
    try:
        with open(path, 'rb', buffering=0, opener=_without_waiting) as file:
            head = file.read(9)
            # Eight bytes for the length of a header in JSON, and the header.
            is_safetensors = head[8:] == b'{'
            if is_safetensors:
                _check_header(head)
            if wrong := what_is_wrong(path):
                raise CheckpointError(
                    f"'{path}' is no checkpoint. {_in_a_line(wrong)}")
            if is_safetensors:
                return _read_safetensors(path)
            return read_pickled(file)
    except (CheckpointError, RefusedError, FileNotFoundError):
        raise
    except ChecksumError as error:
        raise DamageError(
            f"'{path}' is damaged, on the disk or on its way there: "
            f'{_in_a_line(str(error))}. Take an earlier file, or copy, '
            'download or make it again.'
        ) from error
    except Exception as error:  # damaged bytes raise nearly any type
        raise CheckpointError(
            f"'{path}' is no checkpoint, or a damaged or truncated one "
            f'({_reason(error)}). Take an earlier file, or download it again '
            "and compare its size with the publisher's.") from error


def _read_safetensors(path: str) -> dict:
    with utf8_path(path) as name, safetensors.safe_open(name, 'pt') as file:
        names = file.keys()
        content = {name: file.get_tensor(name) for name in names}
        wrong = wrong_checksums(content, file.metadata())
    if wrong:
        raise ChecksumError(
            f'the checksum of {", ".join(wrong[:4])} is wrong')
    return content


def map_tensors(path: str) -> dict[str, torch.Tensor]:
    """Tensors of a safetensors file of ours, mapped into memory.

    What is used is read then. Processes of a machine that map the file share
    one copy of it. Nothing is compared with the checksums: some process has
    called :func:`read_checkpoint`. Do not write to the tensors.
    """
    _check_regular(path)
    with utf8_path(path) as name:
        return safetensors.torch.load_file(name)


def _without_waiting(path: str, flags: int) -> int:
    """Open a regular file; a FIFO that took its place is not waited for."""
    file = os.open(path, flags | getattr(os, 'O_NONBLOCK', 0))
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise pickle.UnpicklingError('it is no regular file')
    return file


def _check_header(head: bytes) -> None:
    size = int.from_bytes(head[:8], 'little')
    if size > _MOST_NAMES:
        raise pickle.UnpicklingError(
            f'its header has {size:,} bytes, more than any checkpoint')


def _reason(error: Exception) -> str:
    """What was wrong, in a few words that hold no values of the file."""
    if isinstance(error, (pickle.UnpicklingError,
                          safetensors.SafetensorError)):
        return _in_a_line(str(error))
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, MemoryError):
        return 'there is too little memory for it'
    return type(error).__name__


def _in_a_line(text: str) -> str:
    """A text that may hold names of the file, short and printable."""
    return ''.join(letter if letter.isprintable() else '?'
                   for letter in text[:500])
