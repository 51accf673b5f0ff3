"""Training runs."""
import os

from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner

from rcg.apis.before_run import check_ready, dry_run
from rcg.apis.run_config import run_config, set_deterministic
from rcg.checkpoint import find_checkpoint
from rcg.engine.configs.loading import title_of
from rcg.registry import RUNNERS, type_name


def train(config: Config | dict | str, *, work_dir: str | None = None,
          resume: str | None = None, extend: int | None = None,
          amp: bool = False, deterministic: bool = False,
          options: list[str] | dict | None = None,
          launcher: str = 'none') -> Runner:
    """Train what a config describes.

    Args:
        config: See :func:`~rcg.apis.run_config.load_any_config`.
        work_dir: As for :func:`~rcg.apis.run_config.run_config`.
        resume: 'auto' goes on from the newest checkpoint in the work folder,
            the path of a checkpoint from there; None begins anew. After a
            restart by torchrun or Slurm it is 'auto'.
        extend: Go on with the run for so many iterations more, or epochs if
            its loop counts epochs; ``resume`` is then 'auto' by default.
        amp: Train in bfloat16 autocast, on a CPU as on a GPU.
        deterministic: Two runs on one machine give the same bits, or an
            error names the operation that does not.
        options: Changes of the config by dotted key.
        launcher: What started the processes: none, pytorch or slurm.

    Returns:
        The runner, which holds the trained model.

    Raises:
        MissingPartsError: Weights, data or earlier stages are missing.
        ValueError: The config does not describe a training run, or one that
            cannot be extended.
    """
    cfg = set_deterministic(
        run_config(config, work_dir, options, launcher), deterministic)
    _set_start(cfg, resume, extend)
    if amp:
        _use_amp(cfg.optim_wrapper)
    check_ready(cfg, least=2)  # one thing is reported by who needs it
    runner = RUNNERS.build(cfg)
    if extend is not None:
        _set_extension(runner, extend)
    runner.train()
    return runner


def preview(config: Config | dict | str, *, work_dir: str | None = None,
            resume: str | None = None, amp: bool = False,
            options: list[str] | dict | None = None,
            steps: bool = True) -> None:
    """Say what a training would do, take and lack; nothing is written.

    Args:
        config, work_dir, resume, amp, options: Those of :func:`train`.
        steps: Take a few steps, and print what they show, for as many
            processes as WORLD_SIZE says. If False, only what is missing is
            looked for.

    Raises:
        MissingPartsError: Weights, data or earlier stages are missing.
        ValueError: There is nothing to train, or the steps fail.
    """
    cfg = run_config(config, work_dir, options)
    _set_start(cfg, resume, None)
    if amp:
        _use_amp(cfg.optim_wrapper)
    if steps:
        dry_run(cfg, processes=int(os.environ.get('WORLD_SIZE') or 1))
    check_ready(cfg)


def _set_start(cfg: Config, resume: str | None, extend: int | None) -> None:
    """Tell a config where its run begins; arguments as for :func:`train`."""
    if cfg.get('train_cfg') is None:
        raise ValueError(f'{title_of(cfg)} has no train_cfg: there is '
                         'nothing to train.')
    if extend is not None and resume is None or (
            _was_restarted() and _has_checkpoint(cfg.work_dir)):
        resume = 'auto'
    if resume is not None:
        cfg.resume = True
        cfg.load_from = None if resume == 'auto' else resume


def _set_extension(runner: Runner, length: int) -> None:
    if length < 1:
        raise ValueError(f'--extend takes at least 1 iteration, got {length}.')
    if not hasattr(runner, 'extend_by'):
        raise ValueError(f'{type(runner).__name__} cannot extend a run: use '
                         "runner_type='RcgRunner'.")
    runner.extend_by = length


def _was_restarted() -> bool:
    """Whether torchrun or Slurm has started this work before."""
    return any(os.environ.get(name, '0') != '0' for name in (
        'TORCHELASTIC_RESTART_COUNT', 'SLURM_RESTART_COUNT'))


def _has_checkpoint(folder: str) -> bool:
    try:
        find_checkpoint(folder)
    except FileNotFoundError:
        return False
    return True


def _use_amp(cfg: ConfigDict) -> None:
    """Switch one optimizer wrapper, or each of several, to bfloat16."""
    if 'optimizer' not in cfg:
        for value in cfg.values():
            if isinstance(value, dict):
                _use_amp(value)
    # AmpOptimWrapper is for float16.
    elif 'type' not in cfg or type_name(cfg) != 'AmpOptimWrapper':
        cfg.type, cfg.dtype = 'AutocastOptimWrapper', 'bfloat16'
