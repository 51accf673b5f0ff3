"""Configs by dotted key: how two differ, and which file set a value."""
import dataclasses
import functools
import os
from collections.abc import Iterator

from mmengine.config import Config

from rcg.apis.run_config import is_of_a_run, load_any_config, name_of
from rcg.engine.configs.files import RcgConfig, find_config

OPTIONS = '--cfg-options'
PURE_PYTHON = 'a pure-Python config or what it imports'
_ABSENT = object()


def flat(value, path: str = '') -> Iterator[tuple[str, object]]:
    """Dotted keys and values of nested dicts, and of lists of dicts.

    An item of a list is called by its index, as in an option. Lists of plain
    values count as values, so do empty dicts.
    """
    items = ()
    if isinstance(value, dict):
        items = dict.items(value)
    elif isinstance(value, (list, tuple)) and any(
            isinstance(item, dict) for item in value):
        items = enumerate(value)
    if not items:
        yield path, value
    for key, inner in items:
        yield from flat(inner, f'{path}.{key}' if path else str(key))


@dataclasses.dataclass(frozen=True)
class Difference:
    """A dotted key that two configs do not agree on.

    Attributes:
        key: The key.
        old, new: ``repr`` of the values; None where there is none.
    """
    key: str
    old: str | None
    new: str | None


def differences(old: Config | dict, new: Config | dict) -> list[Difference]:
    """Keys whose values differ, in the order of the first config."""
    old, new = dict(flat(_plain(old))), dict(flat(_plain(new)))
    # A tuple is a list to a config that was read from JSON or written.
    return [Difference(key, _shown(old, key), _shown(new, key))
            for key in dict.fromkeys([*old, *new])
            if _listed(old.get(key, _ABSENT)) != _listed(
                new.get(key, _ABSENT))]


def diff_config(first: str, second: str) -> list[Difference]:
    """How two configs differ.

    Args:
        first, second: Configs, or work folders of runs; see
            :func:`~rcg.apis.run_config.load_any_config`.
    """
    return differences(load_any_config(first), load_any_config(second))


def origins(config: str, options: list[str] | None = None
            ) -> list[tuple[str, object, str]]:
    """Each dotted key of a config, its value, and the file that set it.

    A file has set a value if the files that it inherits have none, or
    another one, under this key.

    Args:
        config: A config file or a work folder.
        options: Changes by dotted key, as of the command line.
    """
    cfg = load_any_config(config, options)
    # A work folder's config inherits nothing.
    path = cfg.filename if is_of_a_run(config) else find_config(config)
    plain, found = dict(flat(_plain(load_any_config(config)))), []
    for key, value in flat(_plain(cfg)):
        # An option that gives the value which is there changes nothing.
        changed = plain.get(key, _ABSENT) != value
        found.append((key, value, OPTIONS if changed else
                      _origin(path, key, value)))
    return found


def own_keys(config: str) -> list[tuple[str, object]]:
    """What a config file sets itself, and does not inherit."""
    path = find_config(config)
    return [(key, value) for key, value, origin in origins(config)
            if origin == path]


def print_config(config: str, options: list[str] | None = None, *,
                 origin: bool = False) -> None:
    """Print a config with all that it inherits.

    Args:
        config: See :func:`~rcg.apis.run_config.load_any_config`.
        options: Changes by dotted key.
        origin: Print a line for each dotted key instead, with the file that
            set it.
    """
    if not origin:
        cfg = load_any_config(config, options)
        print(RcgConfig(cfg.to_dict(), filename=name_of(cfg)).pretty_text)
        return
    for key, value, file in origins(config, options):
        print(f'{key} = {value!r}  # {file}')


def _origin(path: str, key: str, value) -> str:
    """The file that set a value, among one and its bases."""
    if _is_pure(path):
        return PURE_PYTHON
    for base in _bases(path):
        if _content(base).get(key, _ABSENT) == value:
            return _origin(base, key, value)
    return path


@functools.lru_cache(maxsize=256)
def _content(path: str) -> dict[str, object]:
    return dict(flat(RcgConfig._file2dict(path)[0]))


@functools.lru_cache(maxsize=256)
def _bases(path: str) -> tuple[str, ...]:
    """Files in ``_base_`` of a config."""
    return tuple(os.path.normpath(RcgConfig._get_cfg_path(base, path)[0])
                 for base in RcgConfig._get_base_files(path))


@functools.lru_cache(maxsize=256)
def _is_pure(path: str) -> bool:
    return path.endswith('.py') and RcgConfig._is_lazy_import(path)


def _plain(config: Config | dict) -> dict:
    return config.to_dict() if isinstance(config, Config) else config


def _shown(values: dict, key: str) -> str | None:
    return repr(values[key]) if key in values else None


def _listed(value):
    """A value with lists in the place of tuples."""
    if isinstance(value, dict):
        return {key: _listed(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_listed(inner) for inner in value]
    return value
