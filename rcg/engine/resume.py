"""Whether a run may go on from a checkpoint."""
import json
import re

from mmengine.config import Config
from mmengine.dist import get_world_size

from rcg.checkpoint import CheckpointError
from rcg.engine.config import SHARED_NAMES
from rcg.engine.length import (
    LENGTHS,
    accumulated_batches,
    count_iterations,
)
from rcg.engine.schedule import in_iterations

# Configs are compared key by key, but for keys of these patterns. They do not
# change the weights, or are compared otherwise: batch, data set, frozen parts.
_HARMLESS = re.compile(
    r'_.*|'  # variables of the config file; what they set is compared
    rf'({"|".join(SHARED_NAMES)})(\..*)?|'  # likewise
    r'(work_dir|launcher|resume|load_from|experiment_name|log_level|'
    r'auto_scale_lr|runner_type|custom_imports)(\..*)?|'
    r'(val|test)_(cfg|dataloader|evaluator)(\..*)?|'
    r'(visualizer|vis_backends|log_processor|default_hooks)(\..*)?|'
    r'env_cfg(\.(?!float32$).*)?|'
    r'(compile|find_unused_parameters|model_wrapper_cfg|'
    r'activation_checkpointing)(\..*)?|'
    r'train_cfg\.(max_(iters|samples|epochs)|val_interval|val_begin)|'
    r'train_dataloader\.(batch_size|num_workers|persistent_workers|'
    r'pin_memory|prefetch_factor)|'
    r'custom_hooks\.(SampleGridHook|CacheFeaturesHook)(\..*)?|'
    r'.*\.(interval|data_root|cache_dir|checkpoint)')


def flatten(value, path: str = '') -> dict[str, object]:
    """Values of a nested config by dotted key.

    An item of a list has its index for a key, a custom hook its type: the
    order of hooks in a config does not matter.
    """
    if isinstance(value, dict) and value:
        items = value.items()
    elif isinstance(value, (list, tuple)) and any(
            isinstance(item, (dict, list, tuple)) for item in value):
        items = ((item['type'] if path == 'custom_hooks' and
                  isinstance(item, dict) else i, item)
                 for i, item in enumerate(value))
    else:  # JSON makes tuples and lists the same
        plain = json.loads(json.dumps(value, default=str))
        return {path: '{}' if plain == {} else plain}
    flat = {}
    for key, item in items:
        flat |= flatten(item, f'{path}.{key}' if path else str(key))
    return flat


def describe_run(cfg: Config, dataloader, parts: dict[str, dict]) -> dict:
    """What a checkpoint keeps to recognize its run, in plain types.

    Args:
        cfg: The Runner's.
        dataloader: That of training.
        parts: See :func:`rcg.engine.frozen_parts.describe_parts`.
    """
    config = cfg.to_dict()
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
    return dict(
        config=flatten(config), frozen_parts=parts,
        samples_per_iteration=batch, dataset_size=size)


def check_same_run(saved: dict, current: dict, filename: str) -> None:
    """Compare the run of a checkpoint with the one that would go on.

    Raises:
        CheckpointError: Something differs that changes the result; the
            message lists it.
    """
    lines = []
    was, now = saved.get('config'), current['config']
    if was:  # checkpoints of stock MMEngine have none
        lines = [f'{key}: was {was.get(key, "(absent)")!r}, '
                 f'is {now.get(key, "(absent)")!r}'
                 for key in sorted({*was, *now})
                 if not _HARMLESS.fullmatch(key)
                 and was.get(key, '(absent)') != now.get(key, '(absent)')]
    for key in ('samples_per_iteration', 'dataset_size'):
        if key in saved and saved[key] != current[key]:
            lines.append(f'{key}: was {saved[key]}, is {current[key]}')
    for name, old in saved.get('frozen_parts', {}).items():
        new = current['frozen_parts'].get(name, old)
        if new['sha256'] != old['sha256']:
            lines.append(f"{name}: was trained with '{old['checkpoint']}', "
                         f"whose content differs from '{new['checkpoint']}'")
    if lines:
        raise CheckpointError(
            f"'{filename}' is of another run:\n  " + '\n  '.join(lines[:20]) +
            '\nUndo these changes to go on with it, or start a new run '
            '(another --work-dir; load_from takes over the weights).')
