"""Reading checkpoints without running what is in them.

Files are read with ``weights_only=True``. What stock MMEngine pickles besides
tensors (log histories, and ``builtins.getattr`` to point at their methods) is
read through inert stand-ins: to allow the real ``getattr`` would let a
crafted file run anything. Files of our own hold plain types only, so that a
bare ``torch.load(path, weights_only=True)`` reads them.
"""
import os
import pickle

import numpy as np
import safetensors.torch
import torch

from .errors import CONVERT, CheckpointError
from .finding import is_complete
from .sniffing import what_is_wrong


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
    wrong = what_is_wrong(path)
    if wrong:
        raise CheckpointError(f"'{path}' is no checkpoint. {wrong}")
    if not is_complete(path):
        raise CheckpointError(
            f"The checkpoint '{path}' is truncated "
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
            f'in it was executed. If it is a published file, {CONVERT}{path}'
        ) from error
    except (OSError, MemoryError):
        raise
    except Exception as error:  # torch raises nearly any type on bad bytes
        raise CheckpointError(f"The checkpoint '{path}' is damaged "
                              f'({type(error).__name__}: '
                              f'{str(error)[:200]}).') from error


def read_metadata(path: str) -> dict[str, str]:
    """What a file says about itself: {} if it says nothing.

    Raises:
        FileNotFoundError, CheckpointError: See :func:`read_checkpoint`.
    """
    path = str(path)
    if path.endswith('.safetensors') and is_complete(path):
        with safetensors.safe_open(path, 'pt') as file:
            return file.metadata() or {}
    return read_checkpoint(path).get('meta') or {}
