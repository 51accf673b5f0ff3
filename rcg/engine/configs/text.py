"""Configs as text, formatted once: that takes part of a second."""
import os
from types import FunctionType

from mmengine.config import Config

from rcg.checkpoint import open_atomically
from rcg.engine.configs.source import printable
from rcg.engine.configs.variables import without_variables
from rcg.engine.folder_lock import LOCK


def source_of(config: Config) -> str:
    """The content as source, which gives it again when it is read."""
    return without_variables(Config(
        printable(_with_names(config.to_dict())),
        format_python_code=config._format_python_code).pretty_text)


class _FormattedConfig(Config):
    """A config whose text is known.

    Args:
        config: It shares the content.
        text: What ``config.pretty_text`` returns.
    """

    def __init__(self, config: Config, text: str) -> None:
        super().__init__(config._cfg_dict, filename=config.filename)
        # Config makes entries of attributes.
        object.__setattr__(self, '_formatted', text)
        object.__setattr__(self, '_imported_names', config._imported_names)

    @property
    def pretty_text(self) -> str:
        return self._formatted


# The last config that was formatted, as Python shows it, and its text.
_last = ('', '')


def formatted(config: Config) -> Config:
    """The same config; its ``pretty_text`` costs nothing.

    A config is formatted anew after it was changed. Classes and functions are
    written by their dotted names, which a config that is read may hold.
    """
    global _last
    content = repr(_with_names(config.to_dict()))
    if content != _last[0]:
        _last = (content, source_of(config))
    return _FormattedConfig(config, _last[1])


def _with_names(value):
    """Replace classes and functions in nested containers by their names."""
    if isinstance(value, dict):
        return {key: _with_names(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_with_names, value))
    if isinstance(value, (type, FunctionType)):
        return f'{value.__module__}.{value.__qualname__}'
    return value


def write_config(runner) -> None:
    """Write the config of a Runner to its work folder.

    A config of that name may be that of an earlier training. One that trains
    replaces it when it has loaded its weights, not before. The config of a
    test, or of a run that finds another one training there, goes beside the
    log.
    """
    folder = runner.work_dir
    name = os.path.basename(runner.cfg.filename or f'{runner.timestamp}.py')
    name = os.path.splitext(name)[0] + '.py'  # its text is Python
    by_us = runner._lock is not None and runner._lock.is_held
    in_use = os.path.exists(os.path.join(folder, LOCK))
    exists = os.path.exists(os.path.join(folder, name))
    if not by_us and (in_use or exists):
        if not in_use and runner.cfg.get('train_cfg') is not None:
            return  # it trains later
        folder = runner.log_dir
    os.makedirs(folder, exist_ok=True)
    with open_atomically(os.path.join(folder, name)) as file:
        file.write(runner._config_text.encode())
