"""Sampling of codes: hidden tokens are revealed step by step."""
from collections.abc import Callable

import torch
from torch import Tensor

from rcg.models.generators.masking import hide_least_confident
from rcg.registry import TASK_UTILS
from rcg.rng import SampleRng

from .process import HIDDEN, MaskSchedule

ORDERS = 'random', 'confidence'


def step_chances(hidden: float, after: float, eta: float
                 ) -> tuple[float, float]:
    """Chances of a token in a step of ReMDM (arXiv:2503.00307, equation 6).

    After the step, a token is hidden with the probability ``after`` if it was
    with the probability ``hidden`` before, whatever ``eta`` is.

    Args:
        hidden, after: Shares of hidden tokens, 1 - alpha in the paper.
        eta: Share of the largest possible chance of being hidden again (the
            paper's "rescaled" schedule); with 0 the step is MDLM's.

    Returns:
        The chance that a hidden token is revealed, and the chance that a
        known one is hidden again.
    """
    known = 1 - hidden
    again = eta * min(1., after / known) if known > 0 else 0.
    if after == 0:
        return 1., 0.
    return (1 - after - (1 - again) * known) / hidden, again


def check_interval(interval: tuple[float, float]) -> None:
    """Raise a ValueError unless it is (low, high), 0 <= low < high <= 1."""
    low, high = interval
    if not 0 <= low < high <= 1:
        raise ValueError('interval must be (low, high) with 0 <= low < high '
                         f'<= 1, got {interval}.')


@TASK_UTILS.register_module()
class UnmaskingSampler:
    """Reveals hidden tokens in steps of equal time.

    In a random order and with many steps, samples have the distribution that
    the denoiser describes: the error is that tokens of one step are drawn as
    if independent. Confidence prefers what is likely, as MAGE does.

    Args:
        num_steps: Number of steps.
        order: 'random': each hidden token is revealed with the same chance.
            'confidence': all are drawn, and the least confident are hidden
            again (MaskGIT, arXiv:2202.04200).
        temperature: Of the order 'confidence': scale of the Gumbel noise on
            confidences in the first step; it falls linearly to 0.
        eta: Of the order 'random': how much known tokens are hidden again,
            to be drawn anew (ReMDM, arXiv:2503.00307), from 0 to 1; see
            :func:`step_chances`. About 1 over the number of steps: with
            more, many tokens are drawn at once in each step.
        interval: Times (low, high), of 1 to 0, between which ``eta`` acts.

    Raises:
        ValueError: A setting is out of range, or of another order.
    """

    def __init__(self, num_steps: int = 64, order: str = 'random',
                 temperature: float = 0., eta: float = 0.,
                 interval: tuple[float, float] = (0., 1.)) -> None:
        if num_steps < 1 or temperature < 0 or not 0 <= eta <= 1:
            raise ValueError('num_steps must be at least 1, temperature not '
                             f'negative and eta in [0, 1], got {num_steps}, '
                             f'{temperature} and {eta}.')
        if order not in ORDERS:
            raise ValueError(f'order must be one of {ORDERS}, got {order!r}.')
        if temperature > 0 and order == 'random':
            raise ValueError("temperature is of the order 'confidence'; "
                             'leave it out.')
        check_interval(interval)
        if eta > 0 and order == 'confidence':
            raise ValueError("eta is of the order 'random'; leave it out.")
        self.num_steps, self.order = num_steps, order
        self.temperature, self.eta, self.interval = temperature, eta, interval

    def timesteps(self, schedule: MaskSchedule) -> list[float]:
        """Times before each step, from 1 down; the last step ends at 0."""
        return [1 - i / self.num_steps for i in range(self.num_steps)]

    def __call__(self, predict: Callable[[Tensor, float], Tensor], x: Tensor,
                 rng: SampleRng, schedule: MaskSchedule) -> Tensor:
        """Draw codes (N, L).

        Args:
            predict: (x_t, time) -> logits (N, L, V).
            x (N, L): ``HIDDEN`` in all places, or in those to draw.
            rng: Streams of the codes.
            schedule: How much is hidden when.
        """
        times = [*self.timesteps(schedule), 0.]
        shares = schedule.hidden(torch.tensor(
            times, dtype=torch.double)).tolist()  # on the host
        step = dict(random=self._random, confidence=self._confident)[
            self.order]
        for i, time in enumerate(times[:-1]):
            logits = predict(x, time)
            known = torch.where(x == HIDDEN, rng.categorical(logits), x)
            x = known.masked_fill(
                step(x, known, logits, shares[i:i + 2], i, rng), HIDDEN)
        return x

    def _random(self, x: Tensor, known: Tensor, logits: Tensor,
                shares: list[float], i: int, rng: SampleRng) -> Tensor:
        """Which tokens are hidden after a step, (N, L)."""
        low, high = self.interval
        time = 1 - i / self.num_steps
        eta = self.eta if low <= time <= high else 0.
        reveal, again = step_chances(*shares, eta)
        u = rng.uniform(x.shape[1])
        return torch.where(x == HIDDEN, u >= reveal, u < again)

    def _confident(self, x: Tensor, known: Tensor, logits: Tensor,
                   shares: list[float], i: int, rng: SampleRng) -> Tensor:
        temperature = self.temperature * (1 - (i + 1) / self.num_steps)
        count = round(shares[1] * x.shape[1])
        return hide_least_confident(logits, known, x == HIDDEN, count,
                                    temperature, rng)[1]
