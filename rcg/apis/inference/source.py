"""Where a model comes from: a name, a config, a work folder, a saved one."""
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmengine.config import Config

import rcg
from rcg.apis.classes import class_names
from rcg.apis.images import image_dataset
from rcg.apis.run_config import is_of_a_run, load_any_config, name_of
from rcg.apis.saved.reading import (
    as_large_as_its_files,
    is_saved,
    read_saved,
)


class Source(NamedTuple):
    """A config, and the weights that it describes.

    Attributes:
        cfg: The config.
        checkpoint: File or work folder.
        saved: What a saved folder tells besides; empty for others.
    """
    cfg: Config
    checkpoint: str
    saved: dict = {}

    def preparation(self) -> tuple[Sequence[dict], int]:
        """Transforms of images, without random ones; and bits of deep ones."""
        if self.saved:
            return self.saved['pipeline'], self.saved['bits']
        try:
            dataset = image_dataset(self.cfg)
        except ValueError:  # a config of a model alone
            return [], 16
        return dataset['pipeline'], dataset.get('bits', 16)

    def building(self) -> contextlib.AbstractContextManager:
        """A context in which the model is built, with care if it is saved."""
        if not self.saved:
            return contextlib.nullcontext()
        return as_large_as_its_files(os.path.dirname(self.checkpoint),
                                     self.saved)

    def class_names(self) -> list[list[str]]:
        """All names of each class.

        Raises:
            ValueError, OSError: They are not known.
        """
        if not self.saved:
            return class_names(self.cfg)
        if self.saved['classes'] is None:
            raise ValueError('the saved model has no class names: give '
                             'numbers.')
        return self.saved['classes']


def find_source(config: Config | dict | str | os.PathLike,
                checkpoint: str | None = None) -> Source:
    """Find a model.

    Args:
        config: The name of one of our configs, such as 'digits/mage'; a
            config, a dict like one, or the path of one; a work folder or a
            checkpoint in one; or a folder of ``save_pretrained``.
        checkpoint: File or work folder. None: ``config`` is one, or its
            ``work_dir`` is.

    Raises:
        FileNotFoundError: There is no such config.
        CheckpointError: See :func:`~rcg.apis.saved.reading.read_saved`.
        ValueError: A config without a file and without ``work_dir`` needs a
            checkpoint.
    """
    if isinstance(config, (Config, dict)):
        cfg = load_any_config(config)
        return Source(cfg, str(checkpoint or _work_dir(cfg)))
    path = os.path.expanduser(os.fspath(config))
    if checkpoint is None and is_saved(path):
        return Source(*read_saved(path))
    if is_of_a_run(path):
        return Source(load_any_config(path), str(checkpoint or path))
    cfg = load_any_config(_file_of(path))
    if checkpoint is not None:
        return Source(cfg, str(checkpoint))
    folder = _work_dir(cfg)
    home = Path(rcg.__file__).resolve().parents[1]
    if not os.path.isdir(folder) and (home / folder).is_dir():
        # The quick start works there, whatever the current folder is.
        cfg.model = _below(home, cfg.model)
        folder = str(home / folder)
    return Source(cfg, folder)


def _file_of(path: str) -> str:
    """The path of a config whose name may stand without .py."""
    known = os.path.splitext(path)[1] in ('.py', '.json', '.yaml', '.yml')
    return path if known or os.path.isfile(path) else f'{path}.py'


def _work_dir(cfg: Config) -> str:
    if cfg.get('work_dir'):
        return os.path.expanduser(cfg.work_dir)
    if name_of(cfg) is None:
        raise ValueError('a config that was not read from a file and has no '
                         'work_dir needs a checkpoint: give a file or a work '
                         'folder.')
    return os.path.join('work_dirs', Path(name_of(cfg)).stem)


def _below(home: Path, value):
    """A part of a config in which checkpoints are looked for in a folder."""
    if isinstance(value, dict):
        return {key: str(home / inner)
                if key == 'checkpoint' and isinstance(inner, str)
                and (home / inner).exists() else _below(home, inner)
                for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_below(home, inner) for inner in value)
    return value
