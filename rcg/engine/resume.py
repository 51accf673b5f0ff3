"""Whether a run may go on from a checkpoint."""
import json

from mmengine.config import Config
from mmengine.config.lazy import LazyAttr, LazyObject
from mmengine.dist import get_world_size
from mmengine.hooks import EMAHook
from torch import nn

from rcg.checkpoint import CheckpointError
from rcg.engine.finite import listed, non_finite, non_finite_parts
from rcg.engine.length import (
    LENGTHS,
    accumulated_batches,
    count_iterations,
)
from rcg.engine.schedule import in_iterations
from rcg.engine.unwrapping import bare_model
from rcg.registry import HOOKS

# What changes the results of training: the keys that are compared, with all
# that is below them. Batch size, data set size and frozen parts are compared
# by themselves; the length of a run may change.
_COMPARED = (
    'model', 'optim_wrapper', 'param_scheduler', 'randomness',
    'train_cfg.type', 'train_dataloader.dataset', 'train_dataloader.sampler',
    'train_dataloader.batch_sampler', 'train_dataloader.collate_fn',
    'train_dataloader.drop_last', 'env_cfg.float32')
# Last components of keys that say where something is, not what it is.
_PLACES = 'checkpoint', 'data_root', 'cache_dir', 'max_memory'
# Last components of keys of classes.
_TYPES = 'type', 'constructor'
_DEFAULTS = {'env_cfg.float32': 'high', 'train_dataloader.dataset.bits': 16}


def flatten(value, path: str = '') -> dict[str, object]:
    """Values of a nested config by dotted key.

    An item of a list has its index for a key, a custom hook its type: the
    order of hooks in a config does not matter. A class and its name are the
    same.
    """
    if isinstance(value, dict) and value:
        items = value.items()
    elif isinstance(value, (list, tuple)) and any(
            isinstance(item, (dict, list, tuple)) for item in value):
        items = ((_name(item['type']) if path == 'custom_hooks' and
                  isinstance(item, dict) else i, item)
                 for i, item in enumerate(value))
    else:  # JSON makes tuples and lists the same
        plain = json.loads(json.dumps(value, default=_name))
        return {path: '{}' if plain == {} else plain}
    flat = {}
    for key, item in items:
        flat |= flatten(item, f'{path}.{key}' if path else str(key))
    return flat


def _name(value) -> str:
    """The name of a class or function; other values as Python prints them."""
    if isinstance(value, (LazyAttr, LazyObject)):  # in a list
        value = value.build()
    return getattr(value, '__name__', str(value))


def _compared(config: dict[str, object]) -> dict[str, object]:
    """The entries of a flat config that change the results of training.

    A type counts by its last name: 'AdamW' is 'torch.optim.AdamW', which is
    what a dumped pure-Python config has.
    """
    found = dict(_DEFAULTS)
    for key, value in config.items():
        key, last = _without_scope(key), key.rpartition('.')[2]
        if last in _PLACES or not (
                _is_below(key, _COMPARED) or _is_of_a_hook(key)):
            continue
        if last in _TYPES and isinstance(value, str):
            value = value.rpartition('.')[2]
        found[key] = value
    return found


def _without_scope(key: str) -> str:
    """The key of a custom hook's argument by the last name of its type."""
    top, *names = key.split('.')
    if top != 'custom_hooks':
        return key
    while len(names) > 1 and not isinstance(HOOKS.get(names[0]), type):
        del names[0]
    return '.'.join((top, *names))


def _is_below(key: str, places: tuple[str, ...]) -> bool:
    return any(key == place or key.startswith(f'{place}.')
               for place in places)


def _is_of_a_hook(key: str) -> bool:
    """Whether a key is of a custom hook that changes the weights.

    Such hooks say so by ``changes_training``: True, or the arguments that do.
    MMEngine's EMAHook does, too.
    """
    top, *names = key.split('.')
    if top != 'custom_hooks':
        return False
    kind = HOOKS.get(names[0]) if names else None
    changes = getattr(kind, 'changes_training', kind is EMAHook)
    return names[-1] in changes if isinstance(changes, tuple) else changes


def describe_run(cfg: Config, dataloader, parts: dict[str, dict]) -> dict:
    """What a checkpoint keeps to recognize its run, in plain types.

    Args:
        cfg: The Runner's.
        dataloader: That of training.
        parts: See :func:`rcg.engine.frozen_parts.describe_parts`.
    """
    # In a pure-Python config, items() gives the classes that it imports.
    config = {key: value for key, value in cfg.items()
              if key not in cfg._imported_names}
    length = config.get('train_cfg') or {}
    size = len(dataloader.dataset)
    batch = dataloader.batch_size * get_world_size()
    max_iters = 0
    if any(length.get(name) is not None for name in LENGTHS):
        max_iters = count_iterations(
            length, batch, size,
            accumulated_batches(config.get('optim_wrapper') or {}))
    # A schedule in shares of the run differs when the run gets longer.
    config['param_scheduler'] = in_iterations(config.get('param_scheduler'),
                                              max_iters)
    extensions = [dict(one) for one in config.pop('extensions', None) or ()]
    return dict(
        config=flatten(config), frozen_parts=parts, extensions=extensions,
        samples_per_iteration=batch, dataset_size=size)


def check_resumable(runner, checkpoint: dict, current: dict,
                    filename: str) -> None:
    """Check that a Runner can go on from a checkpoint.

    Args:
        current: Of the Runner; see :func:`describe_run`.

    Raises:
        CheckpointError: It lacks something or is of another run.
    """
    wanted = ['message_hub', 'meta', 'optimizer']
    if runner.param_schedulers:
        wanted.append('param_schedulers')
    if absent := [name for name in wanted if name not in checkpoint]:
        raise CheckpointError(
            f"'{filename}' cannot be resumed from: it lacks "
            f'{", ".join(absent)}. To start a new run from its weights '
            'use load_from, not resume.')
    has_average = any(hasattr(hook, 'ema_model') for hook in runner.hooks)
    if 'ema_state_dict' in checkpoint and not has_average:
        raise CheckpointError(
            f"'{filename}' is of a run with weight averaging: without "
            'it, training would go on from the averaged weights. Keep '
            'TrainableEMAHook in custom_hooks.')
    check_finite(checkpoint, bare_model(runner), filename)
    check_same_run(checkpoint['meta'].get('run', {}), current, filename)


def check_same_run(saved: dict, current: dict, filename: str) -> None:
    """Compare the run of a checkpoint with the one that would go on.

    Raises:
        CheckpointError: Something differs that changes the result; the
            message lists it.
    """
    lines = []
    if saved.get('config'):  # checkpoints of stock MMEngine have none
        was, now = (_compared(run['config']) for run in (saved, current))
        written = {_without_scope(key): key for run in (saved, current)
                   for key in run['config']}
        lines = [f'{written.get(key, key)}: was {was.get(key, "(absent)")!r}, '
                 f'is {now.get(key, "(absent)")!r}'
                 for key in sorted({*was, *now})
                 if was.get(key, '(absent)') != now.get(key, '(absent)')]
    for key in ('samples_per_iteration', 'dataset_size'):
        if key in saved and saved[key] != current[key]:
            lines.append(f'{key}: was {saved[key]}, is {current[key]}')
    for name, old in saved.get('frozen_parts', {}).items():
        new = current['frozen_parts'].get(name, old)
        if new['sha256'] != old['sha256']:
            lines.append(f"{name}: was trained with '{old['checkpoint']}', "
                         f"whose content differs from '{new['checkpoint']}'")
    if lines:
        longer = ''
        if all(line.startswith('param_scheduler') for line in lines):
            longer = ('\nIf it is to be trained further, leave its length as '
                      'it was: --extend N.')
        raise CheckpointError(
            f"'{filename}' is of another run:\n  " + '\n  '.join(lines[:20]) +
            f'{longer}\nUndo these changes to go on with it, or start a new '
            'run (another --work-dir; load_from takes over the weights).')


def check_finite(checkpoint: dict, model: nn.Module, filename: str) -> None:
    """Refuse weights, averages and optimizer states that are not finite.

    Args:
        model: With initial weights; what is not finite there, such as the
            infinities of a mask, may be so in the checkpoint.

    Raises:
        CheckpointError: There is NaN or infinity.
    """
    bad = non_finite_parts(checkpoint, non_finite(model.state_dict()))
    if bad:
        raise CheckpointError(
            f"'{filename}' cannot be resumed from: {listed(bad)} hold NaN or "
            'infinity. Name an earlier checkpoint of the run.')
