"""What makes two runs the same, and what may differ when one goes on."""
import re

from mmengine.config import Config
from mmengine.dist import get_world_size

from rcg.checkpoint import CheckpointError
from rcg.engine.schedule import in_iterations

# Configs are compared key by key; these patterns name what does not change
# the weights, or what is compared by itself (batch, data set, frozen parts).
_HARMLESS = re.compile(
    r'_.*|'  # variables of the config file; what they set is compared
    r'(encoder|tokenizer|rdm|generator|classifier|extractor|data_root|'
    r'batch_size)(\..*)?|'  # likewise
    r'(work_dir|launcher|resume|load_from|experiment_name|log_level|'
    r'auto_scale_lr|runner_type|custom_imports)(\..*)?|'
    r'(val|test)_(cfg|dataloader|evaluator)(\..*)?|'
    r'(env_cfg|visualizer|vis_backends|log_processor|default_hooks)(\..*)?|'
    r'train_cfg\.(max_iters|val_interval|val_begin)|'
    r'train_dataloader\.(batch_size|num_workers|persistent_workers|'
    r'pin_memory|prefetch_factor)|'
    r'custom_hooks\.(SampleGridHook|CacheFeaturesHook)(\..*)?|'
    r'.*\.(interval|data_root|cache_dir|checkpoint)')


def flatten(value, path: str = '') -> dict[str, object]:
    """A nested config as one dict with dotted keys.

    Items of a list go by position; hooks by their type.
    """
    if isinstance(value, dict) and value:
        items = value.items()
    elif isinstance(value, (list, tuple)) and any(
            isinstance(item, (dict, list, tuple)) for item in value):
        items = [(item['type'] if path == 'custom_hooks' and
                  isinstance(item, dict) else i, item)
                 for i, item in enumerate(value)]
    else:
        return {path: _simple(value)}
    flat = {}
    for key, item in items:
        flat.update(flatten(item, f'{path}.{key}' if path else str(key)))
    return flat


def _simple(value):
    if isinstance(value, (list, tuple)):  # a saved tuple is still a tuple,
        return [_simple(item) for item in value]  # a dumped one is a list
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def describe_run(cfg: Config, dataloader, parts: dict[str, dict]) -> dict:
    """What a checkpoint keeps to recognise its run, in plain types."""
    config = cfg.to_dict()
    max_iters = (config.get('train_cfg') or {}).get('max_iters', 0)
    # A share of the run is another schedule if the run gets longer.
    config['param_scheduler'] = in_iterations(config.get('param_scheduler'),
                                              max_iters)
    return {
        'config': flatten(config),
        'samples_per_iteration': dataloader.batch_size * get_world_size(),
        'dataset_size': len(dataloader.dataset),
        'frozen_parts': parts,
    }


def check_same_run(saved: dict, current: dict, filename: str) -> None:
    """Compare the run of a checkpoint with the one that would go on.

    Raises:
        CheckpointError: Something differs that would change the result; the
            message lists what was and what is.
    """
    lines = _differences(saved.get('config', {}), current['config'])
    for key in ('samples_per_iteration', 'dataset_size'):
        if key in saved and saved[key] != current[key]:
            lines.append(f'{key}: was {saved[key]}, is {current[key]}')
    for name, part in saved.get('frozen_parts', {}).items():
        now = current['frozen_parts'].get(name)
        if now is not None and now['sha256'] != part['sha256']:
            lines.append(f"{name}: was trained with '{part['checkpoint']}', "
                         f"whose content differs from '{now['checkpoint']}'")
    if lines:
        raise CheckpointError(
            f"'{filename}' is of another run:\n  " + '\n  '.join(lines[:20]) +
            '\nUndo these changes to go on with it, or start a new run '
            '(another --work-dir; load_from takes over the weights).')


def _differences(saved: dict, current: dict) -> list[str]:
    if not saved:  # written by stock MMEngine: nothing to compare
        return []
    keys = [key for key in sorted(set(saved) | set(current))
            if not _HARMLESS.fullmatch(key)]
    absent = '(absent)'
    return [f'{key}: was {saved.get(key, absent)!r}, '
            f'is {current.get(key, absent)!r}' for key in keys
            if saved.get(key, absent) != current.get(key, absent)]
