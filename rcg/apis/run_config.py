"""Configs of runs: what the caller of a run decides."""
import copy
from pathlib import Path

from mmengine.config import Config

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
        config: A config or dict, which is not changed, or the path of one.
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

    Raises:
        KeyError: See :func:`rcg.engine.load_config`.
    """
    if not isinstance(config, (Config, dict)):
        return load_config(config, options)
    cfg = copy.deepcopy(config)
    if not isinstance(cfg, Config):
        cfg = Config(cfg)
    apply_options(cfg, options)
    return cfg


def name_of(config: Config | dict | str) -> str | None:
    """The path of a config, as it was given; None if it has none."""
    if isinstance(config, (Config, dict)):
        return getattr(config, 'filename', None)
    return str(config)
