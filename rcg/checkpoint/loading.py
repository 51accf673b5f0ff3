"""Loading weights strictly, and naming files that do not fit."""
import os
import re
from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from .finding import CONVERT, CheckpointError, find_checkpoint
from .hashes import LoadedWeights
from .reading import read_checkpoint
from .renamed import with_current_names
from .run_configs import run_configs

# Start of names in converted files: tensors that only the way back needs.
REST = 'published.'
# For error messages: how the names in a file start, as a pattern, and what the
# file then is. The first match counts, so published files, whose patterns are
# the most special, come first. '{}' is the file's path.
_KINDS = {
    r'module\.|model\.diffusion_model|pretrained_encoder\.|token_emb\.|'
    r'head\.mlp\.|backbone\.layers\.|cls_token|quantize\.|x_embedder\.|'
    r'encoder\.(mid|mid_block|down_blocks)\.|input_blocks\.':
        f'a published file: {CONVERT}{{}}',
    r'denoiser\.': 'an RDM of this project.',
    r'generator\.': 'a generator of this project.',
    r'backbone\.': 'an encoder of this project.',
    r'quantizer\.': 'a tokenizer of this project.',
    r'down\.levels\.': 'a tokenizer of this project.',
}


def check_fit(module: nn.Module, state: dict[str, Tensor],
              source: str) -> None:
    """Check that names and shapes of weights are exactly a module's.

    Args:
        source: The file's name, for messages.

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
    lists = [f'{kind.replace("_", "-")} ({len(names)}): {_first(names)}'
             for kind, names in wrong.items() if names]
    error = CheckpointError(
        f"The weights in '{source}' are not those of "
        f'{type(module).__name__}. {". ".join(lists)}. Does the config '
        f'describe the model that was trained?{_own_config(source)}'
        f'{_describe(state, source, own)}')
    vars(error).update(wrong)
    raise error


def _own_config(source: str) -> str:
    """A sentence that names the config beside a checkpoint, '' if none is."""
    found = run_configs(source) if os.path.isfile(source) else []
    return f" The run's own config, with its options: '{found[0]}'." \
        if found else ''


def what_fits(module: nn.Module, state: dict[str, Tensor],
              source: str) -> dict[str, Tensor]:
    """The weights whose names and shapes are those of a module.

    Args:
        source: The file's name, for messages.

    Raises:
        CheckpointError: They are fewer than half of the module's tensors.
    """
    own = module.state_dict()
    fitting = {name: value for name, value in state.items()
               if name in own and own[name].shape == value.shape}
    if not fitting or 2 * len(fitting) < len(own):
        raise CheckpointError(
            f"'{source}' seems to be of another model: {len(fitting)} of "
            f'{len(own)} tensors fit, and at least half of them must. Give a '
            'checkpoint of this model, or leave load_from out.')
    return fitting


def _first(names: list[str]) -> str:
    """The first twelve, and how many there are besides."""
    shown = ', '.join(names[:12])
    if len(names) <= 12:
        return shown
    return f'{shown}, and {len(names) - 12} more'


def load_state_dict(module: nn.Module, state: dict[str, Tensor],
                    source: str) -> None:
    """Copy weights into a module; raises as :func:`check_fit` does.

    Names of version 0.1.0 are understood.
    """
    state = with_current_names(state, module.state_dict().keys())
    check_fit(module, state, source)
    module.load_state_dict(state)


def _describe(names: Iterable[str], path: str,
              own: Iterable[str] = ()) -> str:
    """A sentence on what a file seems to be, '' if that is not known.

    Args:
        names: Of the weights in the file at ``path``.
        own: Names that the module wants. What they match too tells nothing.
    """
    kinds = [kind for pattern, kind in _KINDS.items()
             if any(re.match(pattern, name) for name in names)
             and not any(re.match(pattern, name) for name in own)]
    return f' It looks like {kinds[0].format(path)}' if kinds else ''


def load_weights(module: nn.Module, path: str,
                 prefix: str = '') -> LoadedWeights:
    """Load a module strictly from a file or a work folder.

    Args:
        path: Plain weights, or a training checkpoint. Its ``state_dict``
            holds the averaged weights if the run averaged them.
        prefix: What the module's names start with in the file, with or
            without the last dot. Other entries are ignored.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: Its weights are not those of the module.
    """
    path = find_checkpoint(path)
    loaded = LoadedWeights(path)
    content = read_checkpoint(path, mapped=True)  # the module gets a copy
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
    loaded.run = run if isinstance(run, dict) else {}
    return loaded


def find_weights(content: Mapping) -> tuple[str, Mapping]:
    """The weights in a checkpoint, and the key that they are under.

    Returns:
        (key, state dict). The key is '' if the checkpoint is the state dict.
    """
    for key in ('state_dict', 'model', 'teacher'):
        state = content.get(key)
        if isinstance(state, Mapping) and any(
                isinstance(value, Tensor) for value in state.values()):
            return key, state
    return '', content


def weights_of(content: dict) -> dict[str, Tensor]:
    """Tensors by name; those whose names start with ``REST`` are left out."""
    return {str(name): value
            for name, value in find_weights(content)[1].items()
            if isinstance(value, Tensor) and not str(name).startswith(REST)}
