"""SEDD's sampler, with tokens hidden again as in DLC's code.

N batch, L tokens, V codes; p is what the network gives, see :mod:`.score`.
"""
import math
from collections.abc import Callable

import torch
from torch import Tensor

from rcg.registry import TASK_UTILS
from rcg.rng import SampleRng

from .process import HIDDEN
from .sampler import check_interval
from .score import LogLinearNoise


@TASK_UTILS.register_module()
class ScoreSampler:
    """SEDD's analytic sampler (arXiv:2310.16834, Tweedie tau-leaping).

    A hidden token becomes v with a chance that grows with p(v) itself: where
    p sums to more than 1, it is revealed earlier. In
    :class:`UnmaskingSampler` the sum has no effect.

    DLC's code adds that known tokens are hidden again, and that time goes a
    little faster meanwhile.

    Args:
        num_steps: Number of steps; what is then still hidden is drawn in one
            more.
        eta: Chance that a known token is hidden again in a step.
        interval: Times (low, high) between which ``eta`` acts.
        last: Time at which the steps end.

    Raises:
        ValueError: A setting is out of range; the process is not a
            :class:`ScoreEntropyDiffusion`.
    """

    def __init__(self, num_steps: int = 1024, eta: float = 0.,
                 interval: tuple[float, float] = (.3, .55),
                 last: float = 1e-5) -> None:
        if num_steps < 1 or not 0 <= eta <= 1 or not 0 < last < 1:
            raise ValueError('num_steps must be at least 1, eta in [0, 1] '
                             f'and last in (0, 1), got {num_steps}, {eta} '
                             f'and {last}.')
        check_interval(interval)
        self.num_steps, self.eta, self.last = num_steps, eta, last
        self.interval = interval

    def timesteps(self, schedule: LogLinearNoise) -> list[float]:
        """Times before each step, from 1 down, and that of the last draw."""
        if not hasattr(schedule, 'sigma'):
            raise ValueError('a ScoreSampler needs the diffusion '
                             'ScoreEntropyDiffusion; for others take an '
                             'UnmaskingSampler.')
        step = (1 - self.last) / self.num_steps
        return [*(1 - i * step for i in range(self.num_steps)), self.last]

    def __call__(self, predict: Callable[[Tensor, float], Tensor], x: Tensor,
                 rng: SampleRng, schedule: LogLinearNoise) -> Tensor:
        """Draw codes (N, L).

        Args:
            predict: (x_t, time) -> log p (N, L, V).
            x (N, L): ``HIDDEN`` in all places, or in those to draw.
            rng: Streams of the codes.
            schedule: Noise at each time.
        """
        *times, last = self.timesteps(schedule)
        step = (1 - self.last) / self.num_steps
        for time in times:
            eta = (self.eta if self.interval[0] < time < self.interval[1]
                   else 0.)
            after = max(time - step - eta * (1 - time), last)
            x = self._step(predict(x, time), x, rng, eta,
                           _share(schedule, time, after))
        return torch.where(x == HIDDEN, rng.categorical(predict(x, last)), x)

    @staticmethod
    def _step(logs: Tensor, x: Tensor, rng: SampleRng, eta: float,
              share: float) -> Tensor:
        """One step; see :func:`chances`."""
        table = torch.cat([*chances(logs.exp(), eta, share)], -1)
        drawn = rng.categorical(table.log())  # V: it stays hidden
        drawn = drawn.masked_fill(drawn == logs.shape[-1], HIDDEN)
        known = x
        if eta:
            known = x.masked_fill(rng.uniform(x.shape[1]) < eta, HIDDEN)
        return torch.where(x == HIDDEN, drawn, known)


def chances(p: Tensor, eta: float, share: float) -> tuple[Tensor, Tensor]:
    """What becomes of hidden tokens in a step, relative to each other.

    Args:
        p (N, L, V): Of the network.
        eta: Chance of a known token to be hidden again. Here it takes from
            the most probable outcome.
        share: (e^(sigma - sigma') - 1) / (e^sigma - 1), before and after.

    Returns:
        (N, L, V): To become each code.
        (N, L, 1): To stay hidden; 0 if the others sum to more than 1.
    """
    codes = share * p
    left = codes.sum(-1, keepdim=True)
    stay = 1 - left
    if eta:
        best, index = codes.max(-1, keepdim=True)
        taken = torch.where(best >= stay, best - eta * left, best)
        codes = codes.scatter(-1, index, taken.clamp(min=0))
        stay = stay + eta * left
    return codes, stay.clamp(min=0)


def _share(schedule: LogLinearNoise, before: float, after: float) -> float:
    """``share`` of :func:`chances`, on the host."""
    t = torch.tensor([before, after], dtype=torch.double)
    sigma, end = schedule.sigma(t).tolist()
    return math.expm1(sigma - end) / math.expm1(sigma)
