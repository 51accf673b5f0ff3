"""Which steps of training were skipped, and which samples they had."""
import math
from typing import NamedTuple

import torch
from torch import Tensor

SHOWN = 8  # images that the console names


class Visited(NamedTuple):
    """What is kept of an iteration until the host reads its flags.

    Attributes:
        iteration: Counted from 1.
        keys (N, 2): Seeds and positions of the samples, if they have some.
        indices (N,): Of the samples in the dataset, if they have some.
        loss: Scalar on the device.
        skipped: 1 if the step was skipped, 0 if it was made, on the device;
            None if the iteration made none, as gradients accumulate.
    """
    iteration: int
    keys: Tensor | None
    indices: Tensor | None
    loss: Tensor
    skipped: Tensor | None


class Step(NamedTuple):
    """A step of the optimizers, with the batches of this process.

    Attributes:
        iteration: The last one of the step, counted from 1.
        skipped: Whether the step was skipped, on all processes.
        loss_is_bad: Whether a loss of this process is NaN or infinite.
        samples: A description of the batches: of those with a bad loss, or of
            all if there are none.
        in_brief: The same with at most ``SHOWN`` images of a batch.
    """
    iteration: int
    skipped: bool
    loss_is_bad: bool
    samples: str
    in_brief: str = ''


def read_steps(visited: list[Visited]) -> tuple[list[Step], list[Visited]]:
    """Read the flags of iterations; the host waits for the device once.

    Returns:
        The steps that ended, and the iterations after the last of them.
    """
    ends = [one.skipped for one in visited if one.skipped is not None]
    if not ends:
        return [], visited
    values = torch.stack([value.float().to(ends[0].device) for value in
                          [*ends, *(one.loss for one in visited)]]).tolist()
    flags, losses = iter(values), values[len(ends):]
    steps, members = [], []
    for one, loss in zip(visited, losses, strict=True):
        members.append((one, loss))
        if one.skipped is not None:
            steps.append(_step(members, next(flags) > 0))
            members = []
    return steps, [one for one, _ in members]


def count_skipped(steps: list[Step], in_a_row: int) -> tuple[int, int, int]:
    """Count skipped steps.

    Args:
        steps: In their order.
        in_a_row: Skipped steps just before the first one.

    Returns:
        How many were skipped, how many in a row at the end, and the largest
        number in a row.
    """
    total = worst = 0
    for step in steps:
        in_a_row = in_a_row + 1 if step.skipped else 0
        total += int(step.skipped)
        worst = max(worst, in_a_row)
    return total, in_a_row, worst


def row_began(steps: list[Step], in_a_row: int, began: int) -> int:
    """First iteration of the last row of skipped steps.

    Args:
        steps: In their order.
        in_a_row: Skipped steps just before the first one.
        began: First iteration of the row before.
    """
    for step in steps:
        if step.skipped and in_a_row == 0:
            began = step.iteration
        in_a_row = in_a_row + 1 if step.skipped else 0
    return began


def describe(ranks: list[Step], in_brief: bool = False) -> str:
    """A skipped step in words.

    Args:
        ranks: The step as each process saw it, in their order.
        in_brief: Name few of the images.
    """
    causes = [rank for rank, step in enumerate(ranks) if step.loss_is_bad]
    what = 'the loss is' if causes else 'the losses are finite, gradients are'
    samples = [step.in_brief if in_brief else step.samples for step in ranks]
    parts = [samples[rank] if len(ranks) == 1 else
             f'process {rank}: {samples[rank]}'
             for rank in causes or range(len(ranks))]
    return (f'iteration {ranks[0].iteration}: {what} NaN or infinite; the '
            f'step was skipped. Its samples: {"; ".join(parts)}')


def _step(members: list[tuple[Visited, float]], skipped: bool) -> Step:
    iteration = members[-1][0].iteration
    if not skipped:
        return Step(iteration, False, False, '')
    bad = [one for one, loss in members if not math.isfinite(loss)]
    batches = bad or [one for one, _ in members]
    return Step(iteration, True, bool(bad),
                ', '.join(_batch(one) for one in batches),
                ', '.join(_batch(one, SHOWN) for one in batches))


def _batch(one: Visited, most: int | None = None) -> str:
    """The samples of an iteration, in words; of images the first ones."""
    if one.keys is None:
        return f'unknown, of iteration {one.iteration}'
    text = f'positions {_numbers(one.keys[:, 1].tolist())}'
    if one.indices is not None:
        images = torch.as_tensor(one.indices).flatten().tolist()
        more = '' if most is None or len(images) <= most else (
            f' and {len(images) - most} more')
        text += f' (images {_numbers(images[:most])}{more} of the dataset)'
    return text


def _numbers(values: list[int]) -> str:
    """All of some numbers, shorter if they are evenly spaced."""
    steps = {b - a for a, b in zip(values, values[1:], strict=False)}
    if len(values) < 3 or len(steps) > 1:
        return ', '.join(map(str, values))
    step, = steps
    by = '' if step == 1 else f' by {step}'
    return f'{values[0]} to {values[-1]}{by}'
