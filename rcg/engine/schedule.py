"""Learning-rate schedules in shares of a run."""


def in_iterations(schedulers, max_iters: int):
    """Turn shares into iterations.

    ``begin`` and ``end`` that are floats are shares of the run, so that a
    schedule fits a run of any length: ``dict(type='CosineAnnealingLR',
    begin=.1, end=1.)``. A cosine without ``T_max`` lasts from begin to end.

    Args:
        schedulers: Config of a scheduler, or a list or dict of them.
        max_iters: Length of the run.

    Returns:
        The same with integers; what was given is not changed.

    Raises:
        ValueError: A share is not in [0, 1].
    """
    if isinstance(schedulers, (list, tuple)):
        found = [in_iterations(one, max_iters) for one in schedulers]
        return [one for one in found if not _is_too_short(one)]
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


def _is_too_short(cfg) -> bool:
    """In a very short run a warm-up of one iteration would never end."""
    return isinstance(cfg, dict) and 'end' in cfg and (
        cfg['end'] - cfg.get('begin', 0) < 2)
