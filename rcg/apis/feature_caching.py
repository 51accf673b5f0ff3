"""Features of the frozen parts, stored before a training."""
from mmengine.config import Config

from rcg.apis.run_config import run_config
from rcg.engine import CacheFeaturesHook
from rcg.engine.configs.loading import title_of
from rcg.engine.data_loading import named_workers
from rcg.registry import HOOKS, RUNNERS


def cache_features(config: Config | dict | str, *, views: int | None = None,
                   out: str | None = None, dtype: str | None = None,
                   work_dir: str | None = None,
                   options: list[str] | dict | None = None,
                   launcher: str = 'none') -> tuple[str, str]:
    """Store what a training reads from a cache; an interrupted call goes on.

    Args:
        config: See :func:`~rcg.apis.run_config.load_any_config`. Its
            CacheFeaturesHook, if it has one, says what the arguments do not.
        views: How many augmented views of each image; see
            :class:`~rcg.engine.CacheFeaturesHook`.
        out: Folder of the features; by default ``features`` in that of the
            run.
        dtype: 'float32' or 'float16', for what is no integer.
        work_dir: As for :func:`~rcg.apis.run_config.run_config`.
        options: Changes of the config by dotted key.
        launcher: What started the processes: none, pytorch or slurm.

    Returns:
        The folder with the files, and the config of a hook that trains on
        them.

    Raises:
        ValueError: The config does not train, or see the hook.
    """
    cfg = run_config(config, work_dir, options, launcher)
    chosen = dict(views=views, cache_dir=out, dtype=dtype)
    hook = hook_of(cfg) | {k: v for k, v in chosen.items() if v is not None}
    return caching(cfg, hook).folder.path, _as_text(hook)


def caching(cfg: Config, hook: dict) -> CacheFeaturesHook:
    """Compute what is missing of the features that a training would read.

    Args:
        cfg: The config of the training.
        hook: Config of the CacheFeaturesHook.

    Returns:
        The hook. Its ``folder`` holds the features, of ``num_views`` views.

    Raises:
        ValueError: The config does not train, or see the hook.
    """
    if cfg.get('train_cfg') is None:
        raise ValueError(f'{title_of(cfg)} has no train_cfg: there are no '
                         'training data to store features of.')
    runner = RUNNERS.build(_caching_alone(cfg, hook))
    with named_workers():
        runner.train_loop  # noqa: B018  its property builds the data
        found = next(one for one in runner.hooks
                     if isinstance(one, CacheFeaturesHook))
        found.prepare(runner)
    return found


def _caching_alone(cfg: Config, hook: dict) -> Config:
    """A config without what the features do not depend on."""
    cfg.custom_hooks = [dict(hook, compute=True)]
    cfg.load_from, cfg.resume = None, False
    for key in ('val_cfg', 'val_dataloader', 'val_evaluator', 'test_cfg',
                'test_dataloader', 'test_evaluator'):
        cfg[key] = None
    return cfg


def hook_of(cfg: Config) -> dict:
    """The config of the hook, or a new one, and workers that read images."""
    for hook in cfg.get('custom_hooks') or []:
        if issubclass(HOOKS.class_of(hook), CacheFeaturesHook):
            return dict(hook)
    return dict(type='CacheFeaturesHook', cache_dir=f'{cfg.work_dir}/features',
                num_workers=cfg.train_dataloader.get('num_workers', 0))


def _as_text(hook: dict) -> str:
    """A hook's config as it is written in a config file."""
    items = ', '.join(f'{key}={value!r}' for key, value in hook.items())
    return f'dict({items})'
