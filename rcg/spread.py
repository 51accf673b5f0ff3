"""Some of many, evenly spread: neighbors in a sorted folder are alike."""
from collections.abc import Sequence


def evenly_spread(count: int, wanted: int | None) -> Sequence[int]:
    """Some of the numbers below ``count``, evenly spread.

    Args:
        count: How many there are.
        wanted: How many to take; None, or more than there are: all.

    Raises:
        ValueError: ``wanted`` is below 1.
    """
    if wanted is None:
        return range(count)
    if wanted < 1:
        raise ValueError(f'num_images must be at least 1, got {wanted}.')
    wanted = min(wanted, count)
    return [i * count // wanted for i in range(wanted)]
