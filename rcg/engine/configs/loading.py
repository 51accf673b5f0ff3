"""Reading and checking configs."""
import difflib
import inspect
import logging

from mmengine.config import Config
from mmengine.config.utils import ConfigParsingError
from mmengine.logging import print_log
from mmengine.runner import FlexibleRunner, Runner
from mmengine.utils import import_modules_from_strings

from rcg.engine.configs.files import RcgConfig, find_config
from rcg.engine.configs.options import merge_options, parse_options
from rcg.engine.configs.quiet import quiet_reading
from rcg.engine.errors import message
from rcg.engine.length import drop_other_lengths
from rcg.registry import suggestion

# Variables that config files define for each other; the Runner ignores them.
SHARED_NAMES = ('encoder', 'tokenizer', 'rdm', 'generator', 'classifier',
                'extractor', 'data_root', 'batch_size')
# Keys that Runner and Config read besides the arguments of Runner.__init__.
_EXTRA_NAMES = ('custom_imports', 'runner_type', 'model_wrapper_cfg',
                'find_unused_parameters', 'sync_bn', 'compile',
                'activation_checkpointing', 'extensions')


def load_config(path: str, options: list[str] | dict | None = None) -> Config:
    """Read a config, apply options, check the top-level keys.

    Args:
        path: See :func:`find_config`. It may inherit a config of this
            project from any folder: ``_base_ = 'rcg::digits/dit.py'``.
        options: ``key=value`` strings of the command line (dotted keys,
            values as OpenMMLab writes them), or a dict of dotted keys.

    Raises:
        FileNotFoundError: There is no such file.
        KeyError: A top-level key is nearly one of the Runner's, which would
            ignore it. Other unknown keys without an underscore in front are
            variables: they are named in a warning.
        ValueError: An option is malformed or does not fit; the file cannot be
            read.
    """
    try:
        with quiet_reading():
            cfg = RcgConfig.fromfile(find_config(path))
    except (OSError, ValueError, KeyError, TypeError, SyntaxError,
            ImportError, ConfigParsingError):
        raise
    except Exception as error:  # a config is code, and may fail in any way
        raise ValueError(message(error)[:400]) from error
    apply_options(cfg, options)
    return cfg


def apply_options(cfg: Config, options: list[str] | dict | None) -> None:
    """Apply options to a config, in place, and check its top-level keys.

    A length of training replaces the inherited one, whatever its unit.
    Arguments and errors are those of :func:`load_config`.
    """
    if isinstance(options, list):
        options = parse_options(options)
    options = options or {}
    drop_other_lengths(cfg, options)
    variables = set(cfg)
    merge_options(cfg, options)
    _check_keys(cfg, variables)
    # MMEngine does not import what pure-Python configs and options name.
    if cfg.get('custom_imports'):
        import_modules_from_strings(**cfg.custom_imports)


def title_of(cfg: Config | dict) -> str:
    """What a config is called in messages."""
    path = getattr(cfg, 'filename', None)
    return f"config '{path}'" if path else 'the given config'


def _check_keys(cfg: Config, variables: set[str]) -> None:
    """Refuse misspelt top-level keys; warn of unknown ones.

    Args:
        variables: Keys of the file. Other keys are options, which must be
            known.
    """
    known = {name for runner in (Runner, FlexibleRunner) for name in
             inspect.signature(runner.__init__).parameters}
    known = (known | {*SHARED_NAMES, *_EXTRA_NAMES}) - {'self', 'cfg'}
    # What a pure-Python config imports is a name in it, too.
    known |= cfg._imported_names
    unknown = [key for key in cfg
               if key not in known and not key.startswith('_')]
    for key in unknown:
        if key not in variables or difflib.get_close_matches(
                key, list(known), n=1, cutoff=.8):
            raise KeyError(f'{title_of(cfg)}: unknown top-level key '
                           f"'{key}'.{suggestion(key, known)} A variable of "
                           'your own must start with an underscore: '
                           f"'_{key}'.")
    if unknown:
        named = [f'{key} (near: {", ".join(near)})' if near else key
                 for key in unknown for near in [
                     difflib.get_close_matches(key, list(known), n=1)]]
        print_log(f'{title_of(cfg)}: the Runner does not read '
                  f'{", ".join(named)}. Names that start with an underscore '
                  'are not checked.', 'current', logging.WARNING)


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
