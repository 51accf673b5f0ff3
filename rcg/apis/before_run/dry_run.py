"""What a training would do, take and lack; nothing is trained."""
import os
import re
from types import SimpleNamespace

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from rcg.apis.before_run.measured import (
    Measured,
    count_images,
    device_name,
    measure_steps,
)
from rcg.apis.before_run.missing import (
    MissingPartsError,
    describe,
    find_missing,
)
from rcg.apis.own_process import in_own_process
from rcg.checkpoint import find_checkpoint
from rcg.engine.configs.loading import title_of
from rcg.engine.devices import usable_device
from rcg.engine.disk_space import free_bytes
from rcg.engine.hooks.disk_space import count_checkpoints
from rcg.engine.length import LENGTHS, accumulated_batches, count_iterations
from rcg.engine.parameters import in_words
from rcg.registry import HOOKS, type_name

LINE = 1000  # bytes of a line of progress: log, scalars.json, event file


def dry_run(cfg: Config, *, processes: int = 1, device: str | None = None
            ) -> None:
    """Print what a training would do, line by line.

    A few steps are taken in a process of their own, with random weights.
    Nothing is written to the work folder.

    Args:
        cfg: Config of the run, with its options and work folder.
        processes: Number of processes of the run.
        device: By default a GPU, if there is one.

    Raises:
        MissingPartsError: After all lines: something is missing.
        ValueError: The config does not train, or its steps fail.
    """
    if cfg.get('train_cfg') is None:
        raise ValueError(f'{title_of(cfg)} has no train_cfg: there is '
                         'nothing to train.')
    init_default_scope('rcg')
    device, missing = str(usable_device(device)), find_missing(cfg)
    count = count_images(cfg)
    length = _length(cfg, count, processes)
    _say_data(cfg, count, processes, length)
    failure = None
    try:
        found = in_own_process(
            measure_steps, cfg, device, processes, count is not None,
            threads=torch.get_num_threads(),
            remedy='Take a smaller train_dataloader.batch_size.')
        _say_costs(cfg, found, device, length)
        _say_disk(cfg, found, length, count)
    except ValueError as error:
        failure = f'a few steps were tried and failed: {error}'
        say('steps', failure)
    if missing:
        raise MissingPartsError(describe(missing))
    if failure:
        raise ValueError(failure)
    say('missing', 'nothing: the run can begin')


def say(name: str, text: str) -> None:
    """Print a line of the table."""
    print(f'{name:14} {text}', flush=True)


def _say_data(cfg: Config, count: int | None, processes: int,
              length: int | None) -> None:
    kind = type_name(cfg.train_dataloader.dataset)
    say('images', f'{count:,} ({kind})' if count else f'not there ({kind})')
    size, steps = (cfg.train_dataloader.batch_size,
                   accumulated_batches(cfg.optim_wrapper))
    say('batch', f'{size * processes * steps:,} = {size} x {processes} '
                 f'processes x {steps} accumulated')
    if length is None:
        say('length', 'unknown without the images')
        return
    epochs = (f' = {length * size * processes / count:,.4g} epochs'
              if count else '')
    say('length', f'{length:,} iterations{epochs}')


def _say_costs(cfg: Config, found: Measured, device: str,
               length: int | None) -> None:
    say('trained', in_words(found.trained))
    say('frozen', in_words(found.frozen))
    say('learning rate', ', '.join(f'{rate:.4g}' for rate in found.rates)
        + ' (highest)' * bool(cfg.get('param_scheduler')))
    size = cfg.train_dataloader.batch_size
    how = ' of noise' * found.noise
    if found.images < size:
        how += f', by proportion from a step of {found.images} images'
    say('step', f'{found.seconds:.3g} s, {size / found.seconds:.3g} images/s '
                f'a process on {device_name(device)}{how}')
    if length is not None:
        begun = _done(cfg)
        say('time', f'{in_hours((length - begun) * found.seconds)} to the end'
            + (f', from iteration {begun:,}' if begun else '')
            + '; without loading, validations and pictures')
    say('memory', f'{found.gigabytes:.3g} GB at the peak'
        + (f' with {found.images} images' if found.images < size else ''))


def _say_disk(cfg: Config, found: Measured, length: int | None,
              count: int | None) -> None:
    hooks = cfg.get('custom_hooks') or []
    averages = sum('EMA' in type_name(hook) for hook in hooks)
    whole = found.weights * (1 + averages) + found.state
    saver = (cfg.get('default_hooks') or {}).get('checkpoint')
    number = 0 if not saver else count_checkpoints(
        HOOKS.build(saver), SimpleNamespace(
            max_iters=length or 10**6,
            max_epochs=cfg.train_cfg.get('max_epochs') or 1))
    interval = (cfg.default_hooks.get('logger') or {}).get('interval', 50)
    logs = (length or 0) // interval * LINE
    features = found.features * (count or 0) * max(
        [hook.get('views') or 1 for hook in hooks
         if type_name(hook) == 'CacheFeaturesHook'], default=1)
    parts = [f'{number} checkpoints of {in_bytes(whole)}',
             f'logs {in_bytes(logs)}']
    if features:
        parts.append(f'stored features {in_bytes(features)}')
    free, room = free_bytes(cfg.work_dir), ''
    if free is not None:
        room = f"; {in_bytes(free)} are free in '{cfg.work_dir}'"
    say('disk', f'{in_bytes(number * whole + logs + features)}: '
        + ', '.join(parts) + room)


def _length(cfg: Config, count: int | None, processes: int) -> int | None:
    """Iterations of the run; None if that depends on images not there."""
    train_cfg, size = cfg.train_cfg, cfg.train_dataloader.batch_size
    if count is None and train_cfg.get('max_epochs') is not None:
        return None
    if train_cfg.get('by_epoch') or 'EpochBased' in str(train_cfg.get('type')):
        return train_cfg.max_epochs * -(-count // (size * processes))
    return count_iterations({name: train_cfg.get(name) for name in LENGTHS},
                            size * processes, count or 1,
                            accumulated_batches(cfg.optim_wrapper))


def _done(cfg: Config) -> int:
    """The iteration that a resumed run goes on from."""
    if not cfg.get('resume'):
        return 0
    try:
        path = find_checkpoint(cfg.get('load_from') or cfg.work_dir)
    except (OSError, RuntimeError):
        return 0
    found = re.search(r'iter_(\d+)', os.path.basename(path))
    return int(found[1]) if found else 0


def in_bytes(count: int) -> str:
    """A number of bytes for people."""
    for unit, size in (('GB', 1e9), ('MB', 1e6)):
        if count >= size:
            return f'{count / size:.3g} {unit}'
    return f'{count / 1e3:.3g} kB'


def in_hours(seconds: float) -> str:
    """A duration for people."""
    if seconds < 3600:
        return f'{seconds / 60:.2g} minutes'
    return f'{seconds / 3600:,.3g} hours'
