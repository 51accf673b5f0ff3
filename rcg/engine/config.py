"""Reading and checking configs."""
import inspect

from mmengine.config import Config, DictAction
from mmengine.logging import MMLogger
from mmengine.runner import Runner

from rcg.engine.config_files import RcgConfig, find_config
from rcg.engine.distributed import local_rank_of_shown_gpu
from rcg.registry import nearest

# Variables that config files define for each other; the Runner ignores them.
SHARED_NAMES = ('encoder', 'tokenizer', 'rdm', 'generator', 'classifier',
                'extractor', 'data_root', 'batch_size')
# Keys that Runner and Config read besides the arguments of Runner.__init__.
_EXTRA_NAMES = ('custom_imports', 'runner_type', 'model_wrapper_cfg',
                'find_unused_parameters', 'sync_bn', 'compile',
                'activation_checkpointing')


def load_config(path: str, options: list[str] | dict | None = None) -> Config:
    """Read a config, apply options, check the top-level keys.

    Args:
        path: See :func:`find_config`. It may inherit a config of this
            project from any folder: ``_base_ = 'rcg::digits/dit.py'``.
        options: ``key=value`` strings of the command line (dotted keys,
            values as OpenMMLab writes them), or a dict of dotted keys.

    Raises:
        FileNotFoundError: There is no such file.
        KeyError: A top-level key is neither the Runner's nor shared between
            configs, and has no underscore in front: MMEngine would ignore it.
        ValueError: An option has no '='.
    """
    with local_rank_of_shown_gpu():
        console = MMLogger.get_current_instance()
    level = console.level
    console.setLevel('WARNING')  # MMEngine logs each replaced variable
    try:
        cfg = RcgConfig.fromfile(find_config(path))
    finally:
        console.setLevel(level)
    if isinstance(options, list):
        options = parse_options(options)
    cfg.merge_from_dict(options or {})
    known = {*inspect.signature(Runner.__init__).parameters, *SHARED_NAMES,
             *_EXTRA_NAMES} - {'self', 'cfg'}
    for key in cfg:
        if key not in known and not key.startswith('_'):
            raise KeyError(f"config '{cfg.filename}': unknown top-level key "
                           f"'{key}'.{nearest(key, known)} A variable of your "
                           f"own must start with an underscore: '_{key}'.")
    return cfg


def parse_options(options: list[str]) -> dict:
    """Turn ``key=value`` strings into a dict of dotted keys."""
    parsed = {}
    for option in options:
        key, equals, value = option.partition('=')
        if not equals or not key:
            raise ValueError('--cfg-options takes key=value pairs, got '
                             f'{option!r}.')
        parsed[key] = DictAction._parse_iterable(value)
    return parsed


def without_weights(cfg):
    """Copy a config, or a part of one, without the paths of weights.

    Frozen parts built from it keep their initial weights.
    """
    if isinstance(cfg, dict):
        return {key: without_weights(value) for key, value in cfg.items()
                if key not in ('checkpoint', 'prefix')}
    if isinstance(cfg, (list, tuple)):
        return type(cfg)(without_weights(value) for value in cfg)
    return cfg
