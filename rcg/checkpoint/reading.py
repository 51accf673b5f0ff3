"""Reading checkpoints without running what is in them.

Our own files hold plain types only: ``torch.load(path, weights_only=True)``
reads them. Those of stock MMEngine also hold log histories, and call
``builtins.getattr`` to restore them. The real one would let a crafted file run
anything; a function that looks nothing up takes its place.
"""
import pickle

import numpy as np
import safetensors.torch
import torch
from mmengine.logging import HistoryBuffer

from .finding import CONVERT, CheckpointError, find_checkpoint, what_is_wrong


def _attribute(owner, name):
    """Takes the place of ``builtins.getattr`` in files; looks nothing up.

    Stock MMEngine pickles its log histories with references to a few of their
    own methods. Those become the method's name.
    """
    if owner is HistoryBuffer and name in ('min', 'max', 'mean', 'current'):
        return name
    raise pickle.UnpicklingError(f'attribute {name!r} refused')


def _allowed() -> list:
    """What ``torch.load`` may call besides its own: arrays and histories."""
    core = getattr(np, '_core', None) or np.core
    allowed = [np.ndarray, np.dtype, HistoryBuffer,
               (_attribute, 'builtins.getattr')]
    for function in (core.multiarray._reconstruct, core.multiarray.scalar):
        allowed += [(function, f'{module}.multiarray.{function.__name__}')
                    for module in ('numpy._core', 'numpy.core')]
    return allowed + list({type(np.dtype(c)) for c in '?bBhHiIlLqQefdFDSU'})


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


def _as_data(content) -> dict:
    """Content without MMEngine's config, and with a plain message hub."""
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
        path: A file of ``torch.save`` or safetensors, or a work folder; see
            :func:`find_checkpoint`.

    Returns:
        What it holds, without ``meta['config']``: MMEngine would execute it.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: It is damaged, or holds more than data.
    """
    path = find_checkpoint(path)
    if wrong := what_is_wrong(path):
        raise CheckpointError(f"'{path}' is no checkpoint. {wrong}")
    try:
        if path.endswith('.safetensors'):
            return safetensors.torch.load_file(path)
        with torch.serialization.safe_globals(_allowed()):
            content = torch.load(path, map_location='cpu', weights_only=True)
        return _as_data(content)
    except pickle.UnpicklingError as error:
        reason = str(error).rpartition('WeightsUnpickler error:')[2]
        reason = (reason.strip() or 'code').splitlines()[0][:200]
        raise CheckpointError(
            f"The checkpoint '{path}' was refused: it holds more than "
            f'weights and plain values ({reason}). Nothing in it was '
            f'executed. If it is a published file, {CONVERT}{path}'
        ) from error
    except (OSError, MemoryError):
        raise
    except Exception as error:  # torch raises nearly any type on bad bytes
        raise CheckpointError(
            f"The checkpoint '{path}' is damaged ({type(error).__name__}: "
            f'{str(error)[:200]}).') from error
