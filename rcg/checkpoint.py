"""Checkpoints: found, read without running code, written all or nothing.

Files are read with ``weights_only=True``. What stock MMEngine pickles besides
tensors (log histories, and ``builtins.getattr`` to point at their methods) is
read through inert stand-ins: to allow the real ``getattr`` would let a
crafted file run anything. Files of our own hold plain types only, so that a
bare ``torch.load(path, weights_only=True)`` reads them.
"""
import contextlib
import errno
import glob
import hashlib
import json
import os
import pickle
import re
import socket
import zipfile
from collections.abc import Iterator

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used; the message says which and why.

    Attributes:
        missing: Names that the module has and the file lacks.
        unexpected: Names that the file has and the module lacks.
        mis_shaped: Lines 'name: wanted (..), got (..)'.
    """

    def __init__(self, message: str, missing=(), unexpected=(),
                 mis_shaped=()) -> None:
        super().__init__(message)
        self.missing = list(missing)
        self.unexpected = list(unexpected)
        self.mis_shaped = list(mis_shaped)


# ------------------------------------------------------------------ finding


def find_checkpoint(path: str) -> str:
    """Find a checkpoint file.

    Args:
        path: A file, or a work folder. In a folder, ``last_checkpoint`` names
            the newest; only its last path component counts, so that a folder
            may be moved. Without it, the highest iteration is the newest.

    Raises:
        FileNotFoundError: Nothing is there.
        CheckpointError: The newest file of the folder is truncated; the
            message names the newest complete one.
    """
    path = os.path.expanduser(str(path))
    if os.path.isfile(path):
        return path
    if not os.path.isdir(path):
        raise FileNotFoundError(
            f"There is no checkpoint '{path}' (neither a file nor a work "
            'folder). Train it first, or correct the path.')
    candidates = _newest_first(path)
    if not candidates:
        raise FileNotFoundError(
            f"The folder '{path}' holds no checkpoint (iter_N.pth or "
            'epoch_N.pth). Has its training saved one yet?')
    if is_complete(candidates[0]):
        return candidates[0]
    good = next(filter(is_complete, candidates), None)
    raise CheckpointError(
        f"The newest checkpoint '{candidates[0]}' is truncated. " +
        (f"The newest complete one is '{good}': name it explicitly, or "
         'delete the truncated file.' if good else
         'No other checkpoint in this folder is complete.'))


def _newest_first(folder: str) -> list[str]:
    numbered = []
    for name in os.listdir(folder):
        match = re.fullmatch(r'(?:iter|epoch)_(\d+)\.(?:pth|safetensors)',
                             name)
        if match:
            numbered.append((int(match[1]), name))
    names = [name for _, name in sorted(numbered, reverse=True)]
    with contextlib.suppress(FileNotFoundError), \
            open(os.path.join(folder, 'last_checkpoint')) as file:
        last = os.path.basename(file.read().strip())
        if last and os.path.isfile(os.path.join(folder, last)):
            names = [last] + [name for name in names if name != last]
    return [os.path.join(folder, name) for name in names]


def is_complete(path: str) -> bool:
    """Whether a file has its end (cheap: weights are not read)."""
    with open(path, 'rb') as file:
        head = file.read(8)
        if path.endswith('.safetensors'):
            return _safetensors_size(head, file) == os.path.getsize(path)
    if head.startswith(b'PK'):  # the directory of a zip file is at its end
        return zipfile.is_zipfile(path)
    return len(head) == 8  # the format of torch < 1.6 has no mark


def _safetensors_size(head: bytes, file) -> int:
    length = int.from_bytes(head, 'little')
    try:
        header = json.loads(file.read(min(length, 100_000_000)))
        ends = [entry['data_offsets'][1] for name, entry in header.items()
                if name != '__metadata__']
    except (ValueError, KeyError, TypeError):
        return -1
    return 8 + length + max(ends, default=0)


def file_sha256(path: str) -> str:
    """SHA-256 of a file as a hex string."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


# ------------------------------------------------------------------ reading


class _History:
    """Stands in for MMEngine's HistoryBuffer; only holds its state."""


def _attribute(owner, name):
    """Stands in for ``builtins.getattr``; looks nothing up."""
    if owner is _History and name in ('min', 'max', 'mean', 'current'):
        return name
    raise pickle.UnpicklingError(f'attribute {name!r} refused')


def _stand_ins() -> list:
    core = getattr(np, '_core', None) or np.core
    allowed = [np.ndarray, np.dtype, (_attribute, 'builtins.getattr'),
               (_History, 'mmengine.logging.history_buffer.HistoryBuffer')]
    for function in (core.multiarray._reconstruct, core.multiarray.scalar):
        allowed += [(function, f'{module}.multiarray.{function.__name__}')
                    for module in ('numpy._core', 'numpy.core')]
    return allowed + list({type(np.dtype(c)) for c in '?bBhHiIlLqQefdFDSU'})


def to_plain(value):
    """Replace numpy values and log histories by tensors and built-ins.

    A history becomes a dict with the key ``__history__``. Values that are
    neither are returned as they are.
    """
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        numeric = value.dtype.kind in 'biufc'
        return torch.from_numpy(value.copy()) if numeric else value.tolist()
    if type(value).__name__ in ('HistoryBuffer', '_History'):
        state = vars(value)
        return {'__history__': True, 'max_length': state['max_length'],
                'values': to_plain(np.asarray(state['_log_history'], 'f8')),
                'counts': to_plain(np.asarray(state['_count_history'], 'f8'))}
    if isinstance(value, dict):
        return {k: to_plain(v) for k, v in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(to_plain, value))
    return value


def _tame(content) -> dict:
    if not isinstance(content, dict):
        raise TypeError(f'it holds a {type(content).__name__}, not a dict')
    if isinstance(content.get('meta'), dict):
        content['meta'].pop('config', None)
    if 'message_hub' in content:
        content['message_hub'] = to_plain(content['message_hub'])
    return content


def read_checkpoint(path: str) -> dict:
    """Read a file on the CPU; nothing in it is executed.

    Args:
        path: ``.safetensors``, or anything else that ``torch.save`` wrote.

    Returns:
        What the file holds. ``meta['config']``, which MMEngine's Runner
        would execute, is left out.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: The file is truncated, or holds more than data.
    """
    path = os.path.expanduser(str(path))
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no checkpoint '{path}'.")
    if not is_complete(path):
        raise CheckpointError(
            f"The checkpoint '{path}' is truncated or no checkpoint "
            f'({os.path.getsize(path)} bytes). Copy or download it again, or '
            'use an earlier one.')
    try:
        if path.endswith('.safetensors'):
            return safetensors.torch.load_file(path)
        with torch.serialization.safe_globals(_stand_ins()):
            content = torch.load(path, map_location='cpu', weights_only=True)
        return _tame(content)
    except pickle.UnpicklingError as error:
        reason = str(error).rpartition('WeightsUnpickler error:')[2]
        reason = (reason.strip() or 'code').splitlines()[0][:200]
        raise CheckpointError(
            f"The checkpoint '{path}' was refused: it holds more than "
            f'weights and plain values ({reason}). Nothing '
            'in it was executed. If you trust its source, convert it to '
            'safetensors on a machine that you can afford to lose.'
        ) from error
    except (OSError, MemoryError):
        raise
    except Exception as error:  # torch raises nearly any type on bad bytes
        raise CheckpointError(f"The checkpoint '{path}' is damaged "
                              f'({type(error).__name__}: '
                              f'{str(error)[:200]}).') from error


# ------------------------------------------------------------------ loading


def load_state_dict(module: nn.Module, state: dict[str, Tensor],
                    source: str) -> None:
    """Copy weights into a module; names and shapes must agree exactly.

    Args:
        source: Where they come from, for the message.

    Raises:
        CheckpointError: Something is missing, unexpected or mis-shaped.
    """
    own = module.state_dict()
    missing = [name for name in own if name not in state]
    unexpected = [name for name in state if name not in own]
    mis_shaped = [
        f'{name}: wanted {tuple(own[name].shape)}, '
        f'got {tuple(state[name].shape)}' for name in own
        if name in state and own[name].shape != state[name].shape
    ]
    if missing or unexpected or mis_shaped:
        lists = (('missing', missing), ('unexpected', unexpected),
                 ('mis-shaped', mis_shaped))
        raise CheckpointError(
            f"The weights in '{source}' are not those of "
            f'{type(module).__name__}. ' +
            ' '.join(_enumerate(*item) for item in lists if item[1]) +
            ' Does the config describe the model that was trained?',
            missing, unexpected, mis_shaped)
    module.load_state_dict(state)


def _enumerate(title: str, names: list[str], limit: int = 12) -> str:
    more = f', and {len(names) - limit} more' * (len(names) > limit)
    return f'{title} ({len(names)}): ' + ', '.join(names[:limit]) + more + '.'


def load_weights(module: nn.Module, path: str, prefix: str = '') -> str:
    """Load a module strictly from a file or a work folder.

    Args:
        path: Plain weights, or a training checkpoint (its ``state_dict``:
            the EMA weights if the run had EMA).
        prefix: Of the module's names in the file, with or without the last
            dot; all other entries are ignored.

    Returns:
        SHA-256 of the file.

    Raises:
        FileNotFoundError, CheckpointError: See :func:`find_checkpoint`,
            :func:`read_checkpoint`, :func:`load_state_dict`.
    """
    path = find_checkpoint(path)
    content = read_checkpoint(path)
    state = content.get('state_dict', content)
    state = {name: value for name, value in state.items()
             if isinstance(value, Tensor)}
    if prefix:
        prefix = prefix.rstrip('.') + '.'
        chosen = {name[len(prefix):]: value for name, value in state.items()
                  if name.startswith(prefix)}
        if not chosen:
            heads = sorted({name.partition('.')[0] for name in state})
            raise CheckpointError(
                f"Nothing in '{path}' starts with '{prefix}'; its names "
                f"start with {', '.join(heads[:12])}.")
        state = chosen
    load_state_dict(module, state, path)
    return file_sha256(path)


# ------------------------------------------------------------------ writing


class _Writer:
    """Remembers why a write failed: torch reports something else."""

    def __init__(self, file) -> None:
        self.file, self.error = file, None

    def write(self, data) -> int:
        try:
            return self.file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self.file.flush()


@contextlib.contextmanager
def open_atomically(path: str) -> Iterator:
    """A binary file that appears under ``path`` complete or not at all.

    Raises:
        OSError: Writing failed; a file that was at ``path`` is untouched.
    """
    folder, name = os.path.split(os.path.abspath(path))
    part = os.path.join(
        folder, f'.{name}.{socket.gethostname()}-{os.getpid()}.part')
    _remove_stale_parts(folder, name)
    writer = None
    try:
        with open(part, 'wb') as file:
            writer = _Writer(file)
            yield writer
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.remove(part)
        cause = (writer and writer.error) or error
        if isinstance(cause, OSError):
            raise _explain(cause, path) from error
        raise


def _explain(error: OSError, path: str) -> OSError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    remedy = ('the disk (or your quota) is full: free some space, then go on '
              'with --resume' if full else
              'see that the folder exists and may be written to')
    return OSError(
        error.errno, f"'{path}' could not be written "
        f'({error.strerror or error}); {remedy}. Earlier checkpoints are '
        'untouched')


def _remove_stale_parts(folder: str, name: str) -> None:
    """Remove what a killed process of this machine left unfinished."""
    start = os.path.join(
        glob.escape(folder),
        glob.escape(f'.{name}.{socket.gethostname()}-'))
    for part in glob.glob(start + '*.part'):
        pid = part.rpartition('-')[2].removesuffix('.part')
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            with contextlib.suppress(OSError):
                os.remove(part)
        except (ValueError, PermissionError):
            continue


def save_atomically(obj, path: str) -> None:
    """Write with ``torch.save`` (or safetensors, by the name), atomically.

    Raises:
        OSError: The disk is full, or another failure; no part of the new
            file stays and a file that was at ``path`` is untouched.
    """
    with open_atomically(path) as file:
        if str(path).endswith('.safetensors'):
            file.write(safetensors.torch.save(
                {name: value.contiguous() for name, value in obj.items()}))
        else:
            torch.save(obj, file)
