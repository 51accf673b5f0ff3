"""Learning rates that depend on the batch, schedules on a run's length."""
import math

from rcg.registry import type_name


def resolve_lr(cfg: dict, batch_size: int, world_size: int) -> list[str]:
    """Replace ``base_lr`` by ``lr`` in a wrapper config, in place.

    ``lr = base_lr * effective batch / 256`` (arXiv:1706.02677). The effective
    batch is the number of samples of one optimizer step: batch size times
    processes times accumulated micro-batches.

    Args:
        cfg: Config of an optimizer wrapper, or a dict of several.
        batch_size: Of one process.
        world_size: Number of processes.

    Returns:
        One line of explanation for each learning rate that was computed.

    Raises:
        ValueError: Both ``lr`` and ``base_lr`` are given.
    """
    if 'optimizer' not in cfg:
        return [line for value in cfg.values() if isinstance(value, dict)
                for line in resolve_lr(value, batch_size, world_size)]
    optimizer = cfg['optimizer']
    if not isinstance(optimizer, dict) or 'base_lr' not in optimizer:
        return []
    if 'lr' in optimizer:
        raise ValueError(
            f"the optimizer has both lr={optimizer['lr']} and base_lr="
            f"{optimizer['base_lr']}; delete one (a config that inherits an "
            'lr can set optimizer=dict(_delete_=True, ...)).')
    steps = cfg.get('accumulative_counts', 1)
    effective = batch_size * world_size * steps
    base_lr = optimizer.pop('base_lr')
    optimizer['lr'] = base_lr * effective / 256
    return [f"learning rate {optimizer['lr']:.4g} = {base_lr:g} x {effective}"
            f' / 256 (batch {batch_size} x {world_size} processes x {steps} '
            'accumulated)']


def in_iterations(schedulers, max_iters: int,
                  epoch_length: int | None = None):
    """Turn shares of a run into iterations, in a copy of schedules.

    ``begin`` and ``end`` of a schedule are shares if they are floats, so that
    one config fits runs of any length:
    ``dict(type='CosineAnnealingLR', begin=.1, end=1.)``. Shares make a
    schedule count iterations. A cosine without ``T_max`` lasts from begin to
    end.

    Args:
        schedulers: Config of a scheduler, or a list or dict of them.
        max_iters: Length of the run in iterations.
        epoch_length: Iterations of an epoch. If given, a schedule with
            ``convert_to_iter_based`` and without ``end`` ends with the run;
            MMEngine ends it after ``max_epochs``, which is 1 where
            iterations are counted.

    Raises:
        ValueError: A share is not in [0, 1], or its schedule counts epochs.
    """
    if isinstance(schedulers, (list, tuple)):
        found = [in_iterations(one, max_iters, epoch_length)
                 for one in schedulers]
        return [one for one in found if not _never_ends(one)]
    if not isinstance(schedulers, dict):
        return schedulers
    if 'type' not in schedulers:
        return {name: in_iterations(one, max_iters, epoch_length)
                for name, one in schedulers.items()}
    cfg = _without_shares(schedulers, max_iters)
    if not cfg.get('by_epoch', True):
        if type_name(cfg).startswith('CosineAnnealing') and 'T_max' not in cfg:
            cfg['T_max'] = cfg.get('end', max_iters) - cfg.get('begin', 0)
    elif epoch_length and cfg.get('convert_to_iter_based'):
        # MMEngine multiplies by the length and rounds down.
        cfg.setdefault('end', (max_iters + 1e-3) / epoch_length)
    return cfg


def _without_shares(scheduler: dict, max_iters: int) -> dict:
    """A copy of a schedule whose begin and end are no shares."""
    cfg = dict(scheduler)
    for edge in ('begin', 'end'):
        share = cfg.get(edge)
        if not isinstance(share, float):
            continue
        if not 0 <= share <= 1:
            raise ValueError(
                f'{edge} of a scheduler must be an iteration (an int) or '
                f'a share of the run in [0, 1], got {share}.')
        for name in ('convert_to_iter_based', 'by_epoch'):
            if scheduler.get(name):
                raise ValueError(
                    f'{edge} is a share of the run ({share}), which is '
                    f'counted in iterations, but {type_name(cfg)} has '
                    f'{name}=True. Delete {name}, or write whole epochs '
                    '(ints).')
        cfg[edge] = round(share * max_iters)
        cfg['by_epoch'] = False
    return cfg


def _never_ends(scheduler) -> bool:
    """Whether it is a schedule of one iteration.

    MMEngine's warm-ups then stay at their first value. Very short runs would
    have such warm-ups.
    """
    return (isinstance(scheduler, dict) and 'type' in scheduler
            and not scheduler.get('by_epoch', True)
            and scheduler.get('end', math.inf) - scheduler.get('begin', 0) < 2)


def check_counts(schedulers) -> None:
    """Check that schedules count what a loop without epochs counts.

    Raises:
        ValueError: A schedule counts epochs: it would never take a step.
    """
    if isinstance(schedulers, dict) and 'type' not in schedulers:
        schedulers = list(schedulers.values())
    if isinstance(schedulers, (list, tuple)):
        for one in schedulers:
            check_counts(one)
    elif (isinstance(schedulers, dict) and schedulers.get('by_epoch', True)
          and not schedulers.get('convert_to_iter_based')
          and not type_name(schedulers).startswith('ReduceOnPlateau')):
        raise ValueError(
            f'{type_name(schedulers)} counts epochs, but the training loop '
            'counts iterations, so that it would never change a value. Write '
            'by_epoch=False and iterations; or begin and end as shares of '
            'the run (floats); or convert_to_iter_based=True and epochs.')
