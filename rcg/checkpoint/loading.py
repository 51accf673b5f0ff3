"""Weights into modules, strictly."""
import re
from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from .errors import CONVERT, CheckpointError
from .finding import file_sha256, find_checkpoint
from .reading import read_checkpoint

# Before the names of what a converted file keeps for the way back only.
REST = 'published.'
_NESTINGS = ('state_dict', 'model', 'teacher')
# How names start in published files, and in ours.
_PUBLISHED = re.compile(
    r'module\.|model\.diffusion_model|pretrained_encoder\.|token_emb\.|'
    r'head\.mlp\.|backbone\.layers\.|cls_token|quantize\.|encoder\.mid\.|'
    r'x_embedder\.|input_blocks\.')
_OURS = {'denoiser.': 'an RDM', 'generator.': 'a generator',
         'backbone.': 'an encoder', 'quantizer.': 'a tokenizer'}


def check_fit(module: nn.Module, state: dict[str, Tensor],
              source: str) -> None:
    """See that names and shapes agree exactly.

    Args:
        source: Where the weights come from, for the message.

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
    lists = (('missing', missing), ('unexpected', unexpected),
             ('mis-shaped', mis_shaped))
    if any(names for _, names in lists):
        raise CheckpointError(
            f"The weights in '{source}' are not those of "
            f'{type(module).__name__}. ' +
            ' '.join(_enumerate(*item) for item in lists if item[1]) +
            ' Does the config describe the model that was trained?'
            + _describe(state, source, own),
            missing, unexpected, mis_shaped)


def load_state_dict(module: nn.Module, state: dict[str, Tensor],
                    source: str) -> None:
    """Copy weights into a module, if :func:`check_fit` finds no fault."""
    check_fit(module, state, source)
    module.load_state_dict(state)


def _enumerate(title: str, names: list[str], limit: int = 12) -> str:
    more = f', and {len(names) - limit} more' * (len(names) > limit)
    return f'{title} ({len(names)}): ' + ', '.join(names[:limit]) + more + '.'


def _describe(names: Iterable[str], path: str,
              own: Iterable[str] = ()) -> str:
    """What a file is that does not fit; '' if that is not known.

    Args:
        own: Names that were wanted: some networks are as published.
    """
    if any(map(_PUBLISHED.match, names)):
        return '' if any(map(_PUBLISHED.match, own)) else (
            f' It looks like a published file: {CONVERT}{path}')
    return next((f' It looks like {kind} of this project.'
                 for start, kind in _OURS.items()
                 if any(name.startswith(start) for name in names)), '')


def find_weights(content: Mapping) -> tuple[str, Mapping]:
    """Where in a file, of ours or published, the weights are.

    Returns:
        (key, state dict); the key is '' if the file is a bare state dict.
    """
    for key in _NESTINGS:
        state = content.get(key)
        if isinstance(state, Mapping) and any(
                isinstance(value, Tensor) for value in state.values()):
            return key, state
    return '', content


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
    state = weights_of(read_checkpoint(path))
    load_state_dict(module, _below(prefix, state, path), path)
    return file_sha256(path)


def weights_of(content: dict) -> dict[str, Tensor]:
    """The weights in what :func:`read_checkpoint` returned.

    What a converted file keeps for the way back is left out.
    """
    return {name: value for name, value in find_weights(content)[1].items()
            if isinstance(value, Tensor)
            and not str(name).startswith(REST)}


def _below(prefix: str, state: dict[str, Tensor],
           path: str) -> dict[str, Tensor]:
    """The entries whose names start with a prefix, without it."""
    if not prefix:
        return state
    prefix = prefix.rstrip('.') + '.'
    chosen = {name[len(prefix):]: value for name, value in state.items()
              if name.startswith(prefix)}
    if not chosen:
        heads = sorted({name.partition('.')[0] for name in state})
        raise CheckpointError(
            f"Nothing in '{path}' starts with '{prefix}'; its names "
            f"start with {', '.join(heads[:12])}."
            + _describe(state, path))
    return chosen

