"""Weights into modules, strictly."""
from torch import Tensor, nn

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
            ' Does the config describe the model that was trained?',
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
