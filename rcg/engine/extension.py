"""Runs that go on for longer than their config says.

An extension is a dict, which the config and the checkpoints of the run hold:

* ``begin`` and ``end``: the iterations before and after it.
* ``warmup``, ``decay``, ``share``: of :class:`ExtensionLR`. They are absent if
  the schedule of the config goes on as it is, such as a constant rate.
"""
import math
from collections.abc import Sequence

from mmengine.optim.scheduler.lr_scheduler import LRSchedulerMixin
from mmengine.optim.scheduler.param_scheduler import _ParamScheduler
from mmengine.runner import BaseLoop, EpochBasedTrainLoop

from rcg.checkpoint import CheckpointError
from rcg.registry import PARAM_SCHEDULERS, type_name

# Of an extension, as the shipped schedules have it.
WARMUP = .1
# Of the highest rate. Rates of 1 forget more of what was learned, lower ones
# learn less (arXiv:2403.08763 compares them).
SHARE = .5


@PARAM_SCHEDULERS.register_module()
class ExtensionLR(LRSchedulerMixin, _ParamScheduler):
    """The learning rate of an extension.

    For ``warmup`` iterations it goes linearly from the last rate to the
    target, it stays there, and in the last ``decay`` iterations it falls to
    zero along half a cosine. The target is ``share`` times the highest rate,
    or the last rate if that is higher.

    Args:
        optimizer: Wrapper of one optimizer.
        begin, end: Iterations before and after the extension.
        warmup, decay: Iterations of both; together at most end - begin.
        share: Of the highest rate, in (0, 1].
        options: Of MMEngine's schedulers.
    """

    def __init__(self, optimizer, begin: int, end: int, warmup: int,
                 decay: int, share: float = 1., **options) -> None:
        self.warmup, self.decay, self.share = warmup, decay, share
        # The last rate of each group of parameters.
        self.start_values: list[float] = []
        super().__init__(optimizer, begin=begin, end=end, by_epoch=False,
                         **options)

    def start_at(self, iteration: int) -> None:
        """Join a run after so many iterations, at or before ``begin``."""
        self._global_step = iteration
        if iteration == self.begin:
            self.last_step = 0
            for group, value in zip(self.optimizer.param_groups,
                                    self._get_value(), strict=True):
                group[self.param_name] = value
        self._last_value = [group[self.param_name]
                            for group in self.optimizer.param_groups]

    def _get_value(self) -> list[float]:
        if self.last_step == 0:
            self.start_values = [group[self.param_name]
                                 for group in self.optimizer.param_groups]
        return [self._rate(start, max(self.share * peak, start))
                for start, peak in zip(self.start_values, self.base_values,
                                       strict=True)]

    def _rate(self, start: float, target: float) -> float:
        step, length = self.last_step, self.end - self.begin
        if step < self.warmup:
            return start + (target - start) * (step + 1) / (self.warmup + 1)
        phase = max(step - (length - self.decay), 0) / max(self.decay, 1)
        return target * (1 + math.cos(math.pi * phase)) / 2


def new_extension(begin: int, length: int, schedulers: list[dict],
                  base_length: int) -> dict:
    """Describe an extension whose schedule fits that of the config.

    If the rate of the config falls to its end, the extension warms up to half
    of the highest rate and decays over all that is left. If it is constant
    for at least half of the run and then falls, it is constant again at once,
    and falls in the same share. If no schedule lasts to the end, nothing is
    added.

    Args:
        begin: Iterations before it.
        length: Its iterations.
        schedulers: Configs of the run's schedules, in iterations.
        base_length: Iterations of the config.
    """
    extension = dict(begin=begin, end=begin + length)
    decays = [base_length - one.get('begin', 0) for one in schedulers
              if _lasts_to_the_end(one, base_length)]
    if not decays:
        return extension
    decay = max(decays)
    if decay <= base_length / 2:
        decay = max(1, round(length * decay / base_length))
        return dict(extension, warmup=0, decay=decay, share=1.)
    warmup = round(WARMUP * length)
    return dict(extension, warmup=warmup, decay=length - warmup, share=SHARE)


def _lasts_to_the_end(scheduler: dict, length: int) -> bool:
    """Whether a schedule of rates ends with a run of that length."""
    if not type_name(scheduler).endswith('LR'):
        return False  # of a momentum or the like
    if scheduler.get('by_epoch', True):
        # In epochs: one that ends is taken to end with the run.
        return any(name in scheduler for name in ('end', 'T_max'))
    end = scheduler.get('end')
    if end is None:
        lasts = scheduler.get('T_max', scheduler.get('total_steps'))
        end = math.inf if lasts is None else scheduler.get('begin', 0) + lasts
    return length <= end < math.inf


def joined(saved: Sequence[dict], given: Sequence[dict], iteration: int,
           filename: str) -> list[dict]:
    """The extensions of a checkpoint, and those of the config after them.

    Args:
        saved: Of the checkpoint.
        given: Of the config: none of the first config, all so far of a
            config that the run left in its work folder.
        iteration: That of the checkpoint.
        filename: The checkpoint, for messages.

    Raises:
        CheckpointError: They are of different runs.
    """
    saved, given = [[dict(one) for one in extensions]
                    for extensions in (saved, given)]
    common = min(len(saved), len(given))
    later = given[len(saved):]
    if saved[:common] != given[:common] or any(
            one['begin'] < iteration for one in later):
        raise CheckpointError(
            f"'{filename}' is of another run: its extensions were {saved}, "
            f'those of the config are {given}. Delete extensions from the '
            'config to go on with those of the checkpoint.')
    return saved + later


def lengthen(loop: BaseLoop, extensions: Sequence[dict]) -> None:
    """Let a training loop end with the last extension, if there is any."""
    if not extensions:
        return
    loop._max_iters = extensions[-1]['end']
    if isinstance(loop, EpochBasedTrainLoop):
        loop._max_epochs = loop._max_iters // len(loop.dataloader)
