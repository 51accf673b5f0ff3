"""Configs of runs: what the caller of a run decides."""
import copy
import os
from pathlib import Path

from mmengine.config import Config

from rcg.checkpoint import (
    CheckpointError,
    find_checkpoint,
    read_checkpoint,
    run_configs,
)
from rcg.engine import load_config
from rcg.engine.configs.loading import apply_options, title_of

_OF_TRAINING = ('train_cfg', 'train_dataloader', 'optim_wrapper',
                'param_scheduler', 'val_cfg', 'val_dataloader',
                'val_evaluator')


def run_config(config: Config | dict | str, work_dir: str | None = None,
               options: list[str] | dict | None = None,
               launcher: str = 'none') -> Config:
    """A config with options, work folder and launcher.

    Args:
        config: See :func:`load_any_config`. A given one is not changed.
        work_dir: Folder of checkpoints and logs; by default ``work_dir`` of
            the config, else work_dirs/<config name>.
        options: See :func:`rcg.engine.load_config`.
        launcher: What started the processes: none, pytorch or slurm.

    Raises:
        ValueError: A config that has no file needs ``work_dir``.
    """
    cfg = load_any_config(config, options)
    cfg.launcher = launcher
    if work_dir is not None:
        cfg.work_dir = str(work_dir)
    elif cfg.get('work_dir') is None:
        if name_of(config) is None:
            raise ValueError('a config that was not read from a file has no '
                             'name for a work folder: give work_dir.')
        cfg.work_dir = str(Path('work_dirs') / Path(name_of(config)).stem)
    return cfg


def config_of_test(config: Config | dict | str, work_dir: str | None = None,
                   options: list[str] | dict | None = None,
                   launcher: str = 'none') -> Config:
    """The config of a run that only tests; arguments of :func:`run_config`.

    Raises:
        ValueError: The config does not say what to compute.
    """
    cfg = run_config(config, work_dir, options, launcher)
    if cfg.get('test_cfg') is None:
        raise ValueError(f'{title_of(cfg)} has no test_cfg, '
                         'test_dataloader and test_evaluator: there is '
                         'nothing to compute.')
    cfg.load_from, cfg.resume = None, False
    for key in _OF_TRAINING:
        cfg[key] = None
    return cfg


def set_deterministic(cfg: Config, wanted: bool) -> Config:
    """Let two runs on one machine give the same bits, if wanted."""
    if wanted:
        cfg.randomness = dict(cfg.get('randomness') or {}, deterministic=True)
    return cfg


def load_any_config(config: Config | dict | str,
                    options: list[str] | dict | None = None) -> Config:
    """Read a config, or copy a given one; apply options.

    Args:
        config: A config, a dict like one, the path of one, or a work folder
            or checkpoint, whose run left its config there.
        options: See :func:`rcg.engine.load_config`.

    Raises:
        FileNotFoundError: There is no such config.
        KeyError: See :func:`rcg.engine.load_config`.
    """
    if isinstance(config, (Config, dict)):
        cfg = copy.deepcopy(config)
    elif is_of_a_run(config):
        cfg = config_of_work_dir(config)
    else:
        return load_config(config, options)
    if not isinstance(cfg, Config):
        cfg = Config(cfg)
    apply_options(cfg, options)
    return cfg


def is_of_a_run(path: Config | dict | str) -> bool:
    """Whether it is the path of a work folder or of a checkpoint."""
    if isinstance(path, (Config, dict)):
        return False
    path = os.path.expanduser(str(path))
    return os.path.isdir(path) or path.endswith(('.pth', '.safetensors'))


def checkpoint_for(config: Config | dict | str,
                   checkpoint: str | None) -> str:
    """The checkpoint that belongs to a config.

    Args:
        config: See :func:`load_any_config`.
        checkpoint: File or work folder. None: ``config`` is one.

    Raises:
        ValueError: Neither is one.
    """
    if checkpoint is not None:
        return checkpoint
    if is_of_a_run(config):
        return str(config)
    raise ValueError(f"'{name_of(config)}' is a config: give a checkpoint or "
                     'a work folder, too, or a work folder alone.')


def config_of_work_dir(path: str) -> Config:
    """The config of the training run in a work folder, with its options.

    Several configs may have been used in one folder. Then it is that of the
    newest checkpoint.

    Args:
        path: A work folder, or a checkpoint in one.

    Returns:
        A config whose ``work_dir`` is the folder, which may have been moved.

    Raises:
        FileNotFoundError: No training run left its config there.
    """
    path = os.path.expanduser(str(path))
    folder = path if os.path.isdir(path) else os.path.dirname(path) or '.'
    found = run_configs(folder)
    if not found:
        raise FileNotFoundError(
            f"No training run has left its config in '{folder}': give the "
            'config, and then the checkpoint.')
    if len(found) > 1:
        found = _of_checkpoint(found, path) or found
    cfg = load_config(found[0])
    cfg.work_dir, cfg.launcher = folder, 'none'
    cfg.load_from, cfg.resume = None, False
    return cfg


def _of_checkpoint(configs: list[str], path: str) -> list[str]:
    """Those of several configs whose text a checkpoint holds.

    Args:
        path: The checkpoint, or a folder, which may have none.
    """
    try:
        meta = read_checkpoint(find_checkpoint(path)).get('meta')
    except (OSError, CheckpointError):
        return []
    text = meta.get('cfg') if isinstance(meta, dict) else None
    return [name for name in configs
            if Path(name).read_text(encoding='utf-8') == text]


def name_of(config: Config | dict | str) -> str | None:
    """The path of a config, as it was given; None if it has none."""
    if isinstance(config, (Config, dict)):
        return getattr(config, 'filename', None)
    return str(config)
