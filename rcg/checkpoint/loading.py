"""Weights into modules, strictly."""
from torch import Tensor, nn

from rcg.converters.formats import describe, find_weights
from rcg.converters.parts import REST

from .errors import CheckpointError
from .finding import file_sha256, find_checkpoint
from .reading import read_checkpoint


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
            + describe(state, source),
            missing, unexpected, mis_shaped)


def load_state_dict(module: nn.Module, state: dict[str, Tensor],
                    source: str) -> None:
    """Copy weights into a module, if :func:`check_fit` finds no fault."""
    check_fit(module, state, source)
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
            + describe(state, path))
    return chosen

