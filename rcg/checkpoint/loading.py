"""Reading checkpoints without running what is in them; loading strictly.

Stock MMEngine pickles log histories too, and ``builtins.getattr`` to point at
their methods: an inert function stands in for it, as the real one would let a
crafted file run anything. Our own files hold plain types only: a bare
``torch.load(path, weights_only=True)`` reads them.
"""
import pickle
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import safetensors.torch
import torch
from mmengine.logging import HistoryBuffer
from torch import Tensor, nn

from .finding import (
    CheckpointError,
    file_sha256,
    find_checkpoint,
    what_is_wrong,
)

# Before the names of what a converted file keeps for the way back only.
REST = 'published.'
_CONVERT = 'convert it with: python tools/convert_checkpoint.py '
# How names start in files that do not fit, and what these are.
_KINDS = {
    r'module\.|model\.diffusion_model|pretrained_encoder\.|token_emb\.|'
    r'head\.mlp\.|backbone\.layers\.|cls_token|quantize\.|x_embedder\.|'
    r'encoder\.(mid|mid_block|down_blocks)\.|input_blocks\.':
        f'a published file: {_CONVERT}{{}}',
    r'denoiser\.': 'an RDM of this project.',
    r'generator\.': 'a generator of this project.',
    r'backbone\.': 'an encoder of this project.',
    r'quantizer\.': 'a tokenizer of this project.',
    r'encoder\.levels\.': 'a tokenizer of this project.',
}


def _attribute(owner, name):
    """Stands in for ``builtins.getattr``; looks nothing up."""
    if owner is HistoryBuffer and name in ('min', 'max', 'mean', 'current'):
        return name
    raise pickle.UnpicklingError(f'attribute {name!r} refused')


def _allowed() -> list:
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
        path: Of ``torch.save`` or safetensors; see :func:`find_checkpoint`.

    Returns:
        What it holds, less ``meta['config']``, which MMEngine would execute.

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
        return _tame(content)
    except pickle.UnpicklingError as error:
        reason = str(error).rpartition('WeightsUnpickler error:')[2]
        reason = (reason.strip() or 'code').splitlines()[0][:200]
        raise CheckpointError(
            f"The checkpoint '{path}' was refused: it holds more than "
            f'weights and plain values ({reason}). Nothing in it was '
            f'executed. If it is a published file, {_CONVERT}{path}'
        ) from error
    except (OSError, MemoryError):
        raise
    except Exception as error:  # torch raises nearly any type on bad bytes
        raise CheckpointError(
            f"The checkpoint '{path}' is damaged ({type(error).__name__}: "
            f'{str(error)[:200]}).') from error


def check_fit(module: nn.Module, state: dict[str, Tensor],
              source: str) -> None:
    """See that names and shapes agree exactly; ``source`` is for messages.

    Raises:
        CheckpointError: Something is missing, unexpected or mis-shaped.
    """
    own = module.state_dict()
    wrong = dict(
        missing=[name for name in own if name not in state],
        unexpected=[name for name in state if name not in own],
        mis_shaped=[f'{name}: wanted {tuple(value.shape)}, '
                    f'got {tuple(state[name].shape)}'
                    for name, value in own.items()
                    if name in state and value.shape != state[name].shape])
    if not any(wrong.values()):
        return
    lists = [f'{kind.replace("_", "-")} ({len(names)}): '
             + ', '.join(names[:12])
             + f', and {len(names) - 12} more' * (len(names) > 12)
             for kind, names in wrong.items() if names]
    error = CheckpointError(
        f"The weights in '{source}' are not those of "
        f'{type(module).__name__}. {". ".join(lists)}. Does the config '
        f'describe the model that was trained?{_describe(state, source, own)}')
    vars(error).update(wrong)
    raise error


def load_state_dict(module: nn.Module, state: dict[str, Tensor],
                    source: str) -> None:
    """Copy weights into a module, if :func:`check_fit` finds no fault."""
    check_fit(module, state, source)
    module.load_state_dict(state)


def _describe(names: Iterable[str], path: str,
              own: Iterable[str] = ()) -> str:
    """What a file is that does not fit ``own``; '' if that is not known."""
    kinds = [kind for pattern, kind in _KINDS.items()
             if any(re.match(pattern, name) for name in names)
             and not any(re.match(pattern, name) for name in own)]
    return f' It looks like {kinds[0].format(path)}' if kinds else ''


class LoadedWeights(NamedTuple):
    """Where the weights of a module came from.

    Attributes:
        sha256: Hash of the file, hexadecimal.
        run: What a training checkpoint keeps of its run: its config, its
            frozen parts and their hashes. Empty for plain weights.
    """
    sha256: str
    run: dict


def load_weights(module: nn.Module, path: str,
                 prefix: str = '') -> LoadedWeights:
    """Load a module strictly from a file or a work folder.

    Args:
        path: Plain weights, or a training checkpoint (its ``state_dict``:
            the EMA weights if the run had EMA).
        prefix: Of the module's names in the file (the last dot may be left
            out); all other entries are ignored.

    Raises:
        FileNotFoundError, CheckpointError: It is not there or does not fit.
    """
    path = find_checkpoint(path)
    content = read_checkpoint(path)
    state = weights_of(content)
    start = prefix and prefix.rstrip('.') + '.'
    chosen = {name.removeprefix(start): value
              for name, value in state.items() if name.startswith(start)}
    if start and not chosen:
        heads = sorted({name.partition('.')[0] for name in state})
        raise CheckpointError(
            f"Nothing in '{path}' starts with '{start}'; its names start "
            f'with {", ".join(heads[:12])}.{_describe(state, path)}')
    load_state_dict(module, chosen, path)
    meta = content.get('meta')
    run = meta.get('run') if isinstance(meta, dict) else None
    return LoadedWeights(file_sha256(path), run or {})


def find_weights(content: Mapping) -> tuple[str, Mapping]:
    """Where the weights are: (key, state dict); a bare one has the key ''."""
    for key in ('state_dict', 'model', 'teacher'):
        state = content.get(key)
        if isinstance(state, Mapping) and any(
                isinstance(value, Tensor) for value in state.values()):
            return key, state
    return '', content


def weights_of(content: dict) -> dict[str, Tensor]:
    """The weights in a checkpoint, without what starts with ``REST``."""
    return {str(name): value
            for name, value in find_weights(content)[1].items()
            if isinstance(value, Tensor) and not str(name).startswith(REST)}
