"""Learning rates that depend on the batch, schedules on a run's length."""
import math


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


def in_iterations(schedulers, max_iters: int):
    """Turn shares of a run into iterations, in a copy of schedules.

    ``begin`` and ``end`` of a schedule are shares if they are floats, so that
    one config fits runs of any length:
    ``dict(type='CosineAnnealingLR', begin=.1, end=1.)``. A cosine without
    ``T_max`` lasts from begin to end.

    Args:
        schedulers: Config of a scheduler, or a list or dict of them.
        max_iters: Length of the run in iterations.

    Raises:
        ValueError: A share is not in [0, 1].
    """
    if isinstance(schedulers, (list, tuple)):
        found = [in_iterations(one, max_iters) for one in schedulers]
        # MMEngine never ends a warm-up of one iteration, as very short runs
        # would have: it is left out.
        return [one for one in found if not isinstance(one, dict)
                or one.get('end', math.inf) - one.get('begin', 0) >= 2]
    if not isinstance(schedulers, dict):
        return schedulers
    if 'type' not in schedulers:
        return {name: in_iterations(one, max_iters)
                for name, one in schedulers.items()}
    cfg = dict(schedulers)
    for edge in ('begin', 'end'):
        share = cfg.get(edge)
        if isinstance(share, float):
            if not 0 <= share <= 1:
                raise ValueError(
                    f'{edge} of a scheduler must be an iteration (an int) or '
                    f'a share of the run in [0, 1], got {share}.')
            cfg[edge] = round(share * max_iters)
    if cfg['type'].startswith('CosineAnnealing') and 'T_max' not in cfg:
        cfg['T_max'] = cfg.get('end', max_iters) - cfg.get('begin', 0)
    return cfg
