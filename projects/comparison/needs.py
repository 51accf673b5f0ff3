"""What a config needs before it can be trained: read off the config itself.

The configs of one work folder, ``{root}``, name what they read of each other:
``checkpoint='{root}/encoder'`` is what ``encoder.py`` trains.
"""
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rcg.engine import load_config
from rcg.engine.configs.files import find_config

# Stands for the work folder while a config is read.
_ROOT = '/rcg-root'
# Files of representations: the stage whose encoder makes them, and options. A
# config may name others, in a dict ``_made`` like this one.
MADE = {
    'clusters.safetensors': ('rdm', '--clusters', '64'),
    'representations.safetensors': ('rdm', ),
}


def needs(config: str) -> tuple[tuple[str, ...], dict[str, tuple]]:
    """What a config reads from its work folder.

    Args:
        config: See :func:`find_config`. It has the folder of all stages from
            the variable RCG_ROOT, and its own folder in it has its own name.

    Returns:
        Names of stages and files, sorted; neither its own folder, nor caches.
        How files are made, as ``MADE`` says it.

    Raises:
        ValueError: It does not train into the folder of all stages.
    """
    name = Path(config).stem
    with _environment('RCG_ROOT', _ROOT):
        cfg = load_config(config).to_dict()
    if cfg.get('work_dir') != f'{_ROOT}/{name}':
        raise ValueError(
            f"{config} has the work_dir '{cfg.get('work_dir')}': a comparison "
            f"takes configs with work_dir = f'{{_base_._root}}/{name}', as "
            'those of configs/digits.')
    used = {key: value for key, value in cfg.items()
            if not key.startswith('_')}  # others are notes for leaves
    found = {Path(text).relative_to(_ROOT).parts[0]
             for key, text in _strings(used)
             if key != 'cache_dir' and text.startswith(f'{_ROOT}/')}
    made = {file: tuple(how) for file, how in cfg.get('_made', {}).items()}
    return tuple(sorted(found - {name})), MADE | made


def find_stage_config(name: str, beside: str) -> str:
    """The config of a stage: beside another one, or in ``configs``.

    There it is in the folder of the same name (those of a project's
    ``configs/folder`` need stages of ``configs/folder``), or in ``digits``.

    Raises:
        FileNotFoundError: There is none.
    """
    near = Path(find_config(beside)).with_name(f'{name}.py')
    if near.is_file():
        return str(Path(beside).with_name(near.name))
    folders = dict.fromkeys((near.parent.name, 'digits'))
    for folder in folders:
        config = f'configs/{folder}/{name}.py'
        with suppress(FileNotFoundError):
            find_config(config)
            return config
    raise FileNotFoundError(
        f"{beside} reads '{name}' of its work folder, and no config of that "
        'name is beside it or in '
        + ' or '.join(f'configs/{folder}' for folder in folders) + '.')


def _strings(value, key: str = '') -> Iterator[tuple[str, str]]:
    """All strings of a config, each with its key."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _strings(inner, name)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _strings(inner, key)


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
