"""All that a run lacks, found at once, with the command for each."""
import dataclasses
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmengine.config import Config

from rcg.apis.run_config import load_any_config
from rcg.checkpoint import CheckpointError, find_checkpoint
from rcg.converters.known_weights import TABLE
from rcg.engine.configs.stages import find_stage
from rcg.engine.errors import message
from rcg.files import read_json
from rcg.registry import DATASETS, FEATURE_EXTRACTORS

TRAINING = ('model', 'train_dataloader', 'val_dataloader', 'val_evaluator',
            'custom_hooks')
TESTING = 'model', 'test_dataloader', 'test_evaluator'
# Datasets of metrics: a config, or the path of images or statistics.
_REFERENCES = 'reference', 'train', 'held_out'


class MissingPartsError(FileNotFoundError):
    """A run lacks something; the message names all of it."""


@dataclasses.dataclass(frozen=True)
class Missing:
    """Something that a run needs and that is not there.

    Attributes:
        what: What it is, and where it was looked for.
        remedy: What to do, commands on lines of their own.
        users: Dotted keys of the config that need it.
    """
    what: str
    remedy: str
    users: tuple[str, ...] = ()

    def __str__(self) -> str:
        users = f' ({", ".join(self.users)})' if self.users else ''
        return f'{self.what}{users}\n    ' + self.remedy.replace(
            '\n', '\n    ')


def find_missing(cfg: Config, keys: Sequence[str] = TRAINING
                 ) -> list[Missing]:
    """What of the files and folders that a config names is not there.

    Nothing is built but a dataset whose folder is missing: its error says
    where the data are to be had. Extensions may need other files.

    Args:
        cfg: The config of a run.
        keys: Which top-level keys matter.
    """
    found: dict[str, Missing] = {}
    if cfg.get('load_from'):
        _add(found, 'load_from', _of_checkpoint(cfg.load_from, cfg))
    for key in keys:
        for path, part in _parts(cfg.get(key), key):
            for one in _of_part(part, cfg):
                _add(found, path, one)
    return list(found.values())


def check_ready(cfg: Config, keys: Sequence[str] = TRAINING,
                least: int = 1) -> None:
    """Check that nothing is missing; see :func:`find_missing`.

    Args:
        least: How many things must be missing. A single one is reported as
            well by whoever needs it, with more context.

    Raises:
        MissingPartsError: Something is missing.
    """
    found = find_missing(cfg, keys)
    if len(found) >= least:
        raise MissingPartsError(describe(found))


def check_run(config: str, checkpoint: str | None = None, *,
              options: list[str] | None = None,
              testing: bool = False) -> None:
    """Check that a run of a command lacks nothing.

    Args:
        config: See :func:`~rcg.apis.run_config.load_any_config`.
        checkpoint: File or work folder that the command names.
        options: Changes of the config by dotted key.
        testing: Whether it is a test.

    Raises:
        MissingPartsError: See :func:`check_ready`.
    """
    cfg = load_any_config(config, options)
    cfg.load_from = checkpoint
    check_ready(cfg, TESTING if testing else TRAINING)


def describe(found: Sequence[Missing]) -> str:
    """What is missing, as a numbered list."""
    what = 'One thing is' if len(found) == 1 else f'{len(found)} things are'
    return '\n'.join([f'{what} missing:', *(
        f' {i}. {one}' for i, one in enumerate(found, 1))])


def _add(found: dict[str, Missing], user: str, one: Missing | None) -> None:
    if one is not None:
        known = found.get(one.what, one)
        found[one.what] = dataclasses.replace(
            known, users=(*known.users, user))


def _parts(value, path: str) -> Iterator[tuple[str, dict]]:
    """Dicts with a type, at any depth, by dotted key."""
    if isinstance(value, dict):
        if 'type' in value:
            yield path, value
        for key, inner in dict.items(value):
            yield from _parts(inner, f'{path}.{key}')
    elif isinstance(value, (list, tuple)):
        for i, inner in enumerate(value):
            yield from _parts(inner, f'{path}.{i}')


def _of_part(part: dict, cfg: Config) -> Iterator[Missing | None]:
    if isinstance(part.get('checkpoint'), str):
        yield _of_checkpoint(part['checkpoint'], cfg)
    if isinstance(part.get('weights_path'), str):
        yield _of_extractor(part)
    for key in _REFERENCES:
        if isinstance(part.get(key), str) and key != 'train':
            yield _of_reference(part[key])
    for key in 'data_root', 'path':
        if isinstance(part.get(key), str):
            yield _of_dataset(part, key)


def _of_checkpoint(path: str, cfg: Config) -> Missing | None:
    if '://' in path:  # of MMEngine's init_cfg
        return None
    try:
        find_checkpoint(path)
    except FileNotFoundError:
        what = f"There is no checkpoint '{path}'."
        return Missing(what, _how_to_get(path, cfg))
    except CheckpointError as error:
        return Missing(message(error), 'replace or delete that file')
    return None


def _how_to_get(path: str, cfg: Config) -> str:
    """The command that makes a checkpoint."""
    stage = find_stage(path, getattr(cfg, 'filename', None))
    if stage is not None:
        return f'python tools/train.py {shlex.quote(stage)}'
    entry = read_json(TABLE)['files'].get(Path(path).stem)
    if entry is None:
        return 'train it first, or correct the path; docs/model_zoo.md'
    target = '' if Path(path).parent == Path('checkpoints') else (
        f' --out {shlex.quote(path)}')
    name = next(iter(entry['names']), 'FILE')
    return (f'download {entry["url"]}\n'
            f'python tools/convert_checkpoint.py {name}{target}')


def _of_extractor(part: dict) -> Missing | None:
    path = os.path.expanduser(part['weights_path'])
    if os.path.isfile(path):
        return None
    url = getattr(FEATURE_EXTRACTORS.class_of(part), 'url', None)
    return Missing(f"There are no weights '{path}' of {part['type']}.",
                   f'download {url} to there' if url else 'correct the path')


def _of_reference(path: str) -> Missing | None:
    if os.path.exists(os.path.expanduser(path)):
        return None
    name, remedy = os.path.basename(path), (
        'put images or statistics there: docs/evaluation.md')
    for entry in read_json(TABLE)['files'].values():
        if name in entry['names']:
            remedy = f'download {entry["url"]} to there'
    if name == 'imagenet_val':
        remedy = ('python tools/prepare_imagenet_val.py data/imagenet/val '
                  + shlex.quote(path))
    return Missing(f"There is no reference '{path}'.", remedy)


def _of_dataset(part: dict, key: str) -> Missing | None:
    place = os.path.expanduser(part[key])
    if 'split' in part and os.path.isdir(place):
        place = os.path.join(place, part['split'])
    kind = part['type']
    if os.path.exists(place) or not (
            isinstance(kind, type) or DATASETS.get(kind)):
        return None
    try:
        DATASETS.build(dict(part))
    except (OSError, ValueError) as error:
        text, _, remedy = message(error).partition('. ')
        return Missing(f'{text}.', remedy or f'correct {key}')
    return None
