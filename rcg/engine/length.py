"""The length of training in samples, epochs, iterations and steps."""
import math

from mmengine.optim import OptimWrapper

from rcg.engine.optim import single_wrappers

LENGTHS = 'max_iters', 'max_samples', 'max_epochs'


def accumulated_batches(wrapper: dict | OptimWrapper) -> int:
    """Batches of one optimizer step, of a wrapper or of its config."""
    if not isinstance(wrapper, dict):
        counts = [getattr(one, '_accumulative_counts', 1)
                  for one in single_wrappers(wrapper).values()]
    elif 'optimizer' in wrapper:
        counts = [wrapper.get('accumulative_counts', 1)]
    else:  # a config of several
        counts = [one.get('accumulative_counts', 1)
                  for one in wrapper.values() if isinstance(one, dict)]
    return max(counts, default=1)


def drop_other_lengths(cfg: dict, options: dict) -> None:
    """Drop the length that a config inherits, if options give another one.

    Args:
        cfg: Config of a run; its ``train_cfg`` is changed.
        options: New values by dotted key, or nested.
    """
    nested = options.get('train_cfg') or {}
    given = {name for name in LENGTHS
             if f'train_cfg.{name}' in options or name in nested}
    if given and cfg.get('train_cfg'):
        for name in set(LENGTHS) - given:
            cfg['train_cfg'].pop(name, None)


def count_iterations(cfg: dict, batch: int, dataset_size: int,
                     accumulated: int) -> int:
    """Iterations of a training that is as long as a config says.

    Args:
        cfg: Has one of ``max_iters``, ``max_samples`` and ``max_epochs``. The
            others are None or absent.
        batch: Samples of all processes in one iteration.
        dataset_size: Images of an epoch.
        accumulated: Iterations of one optimizer step.

    Returns:
        ``max_iters`` as it is; else the fewest iterations that see all
        samples and make whole steps.

    Raises:
        ValueError: None or several of them are given, or one is negative.
    """
    given = {name: cfg[name] for name in LENGTHS if cfg.get(name) is not None}
    if len(given) != 1 or min(given.values()) < 0:
        raise ValueError(
            'train_cfg needs exactly one of max_iters, max_samples and '
            f'max_epochs, at least 0, got {given or "none"}. If a base '
            'config gives another one, set that to None.')
    if 'max_iters' in given:
        return int(given['max_iters'])
    samples = given.get('max_samples')
    if samples is None:
        samples = given['max_epochs'] * dataset_size
    # A product such as .7 * 10 may be an iota above the integer.
    steps = math.ceil(samples / (batch * accumulated) - 1e-9)
    return steps * accumulated


def describe_length(iterations: int, batch: int, dataset_size: int,
                    accumulated: int) -> str:
    """One line about the length of training; see :func:`count_iterations`."""
    samples = iterations * batch
    return (f'training: {samples:,} samples = '
            f'{samples / dataset_size:,.4g} epochs of {dataset_size:,} = '
            f'{iterations:,} iterations of {batch:,} = '
            f'{math.ceil(iterations / accumulated):,} optimizer steps of '
            f'{batch * accumulated:,}')
