"""Samplers: one loop each over a callable that predicts the clean data.

A sampler knows no network and no process. ``sampler(denoise, x_T, rng,
schedule)`` returns samples. ``denoise(x_t, time)`` takes one time for the
whole batch and returns a :class:`Prediction`. The ``schedule`` says which
times, and what is left of the signal there. All coefficients are Python
floats, so no step waits for the device.

The samplers here walk a table of betas, with a = alphas_cumprod and
x_t = sqrt(a) x_0 + sqrt(1 - a) eps. Those of solvers.py walk along any path.
"""
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from rcg.diffusion.schedules import NoiseSchedule
from rcg.registry import TASK_UTILS
from rcg.rng import SampleRng


class Prediction(NamedTuple):
    """A denoiser's estimates from x_t.

    Attributes:
        x0 (N, ...): Clean data.
        variance (N, ...): Of a reverse step, if it is learned: on a log
            scale, from the smallest possible (-1) to the largest (1).
    """
    x0: Tensor
    variance: Tensor | None = None


Denoise = Callable[[Tensor, float], Prediction]


class Schedule(Protocol):
    """What a sampler asks a process: which times, and the levels there.

    x_t = signal x_0 + noise eps. Times are what ``denoise`` takes.
    """

    def times(self, num_steps: int, spacing: str, **where) -> list[float]:
        """The times to visit, ascending; refuses what it cannot space."""

    def levels(self, times: list[float]) -> list[tuple[float, float]]:
        """(signal, noise) at each of some times, as Python floats."""

    def progress(self, time: float) -> float:
        """The share of sampling that is done after a step from ``time``."""


class Sampler:
    """Base of the samplers, each of which visits some of the times.

    Args:
        num_steps: How many; every step is a call of the denoiser or two.
        spacing: Which; the process's schedule knows the words.
        **where: Further arguments of the schedule's ``times``.

    Attributes:
        any_source: Whether the noise may have another distribution than the
            standard normal one.
    """
    any_source = False

    def __init__(self, num_steps: int, spacing: str, **where) -> None:
        self.num_steps, self.spacing, self.where = num_steps, spacing, where

    def timesteps(self, schedule: Schedule) -> list[float]:
        """The times visited, ascending.

        Raises:
            ValueError: They cannot be spaced like that, or the sampler cannot
                walk along this schedule.
        """
        return schedule.times(self.num_steps, self.spacing, **self.where)

    def steps(self, denoise: Denoise, x: Tensor, rng: SampleRng,
              schedule: Schedule) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (x, predicted x0) after each step, highest noise first."""
        raise NotImplementedError

    def __call__(self, denoise: Denoise, x: Tensor, rng: SampleRng,
                 schedule: Schedule) -> Tensor:
        """Draw samples (N, ...).

        Args:
            denoise: (x_t (N, ...), time) -> Prediction.
            x (N, ...): Standard normal noise, x_T.
            rng: The streams that ``x`` was drawn from; further noise is drawn
                from them.
            schedule: That of the process that the denoiser was trained on.
        """
        for x, _ in self.steps(denoise, x, rng, schedule):
            pass
        return x


class _TableSampler(Sampler):
    """Base of what needs the betas of a :class:`NoiseSchedule`."""

    def timesteps(self, schedule):
        if not isinstance(schedule, NoiseSchedule):
            raise ValueError(
                f'{type(self).__name__} walks a table of betas, which '
                f'{type(schedule).__name__} has not; take EulerSampler (DDIM '
                'without noise), HeunFlowSampler, EulerMaruyamaSampler or '
                'DPMSolverSampler.')
        return super().timesteps(schedule)


@TASK_UTILS.register_module()
class DDIMSampler(_TableSampler):
    """DDIM (arXiv:2010.02502 eq. 12 and 16).

    The defaults are those of the LDM and RDM code: timesteps 1, 1 + c, ...;
    the last step goes to the marginal of timestep 0, not to clean data, and
    so adds noise if eta > 0.

    Args:
        num_steps: Number of denoiser calls; 'strided' may make more.
        eta: 0 is deterministic, 1 is like DDPM.
        spacing: See :func:`~rcg.diffusion.schedules.space_timesteps`.
        offset: Added to the timesteps 0, c, 2c, ...
        to_clean: Whether the last step goes to clean data, where
            alphas_cumprod = 1.
        float32_tables: Whether to round two tables to float32 to reproduce
            the LDM family: alphas_cumprod, as its checkpoints do, and
            1 / (1 - alphas_cumprod) in sigma, as its code does. This matters
            at low noise, where the latter is large.

    Raises:
        ValueError: ``eta`` is negative.
    """

    def __init__(self, num_steps: int = 250, eta: float = 1.,
                 spacing: str = 'uniform', offset: int = 1,
                 to_clean: bool = False, float32_tables: bool = True) -> None:
        if eta < 0:
            raise ValueError(f'eta must not be negative, got {eta}.')
        super().__init__(num_steps, spacing, offset=offset)
        self.eta = eta
        self.to_clean, self.float32_tables = to_clean, float32_tables

    def coefficients(self, schedule: Schedule) -> dict[str, Tensor]:
        """Tables (S,) over the steps, ascending in time.

        ``timesteps`` (int64) and, in float64, ``alphas`` (cumulative products
        at these), ``alphas_prev`` and ``sigmas``.
        """
        timesteps = self.timesteps(schedule)
        table = schedule.alphas_cumprod
        if self.float32_tables:
            table = table.float().double()
        alphas = table[timesteps]
        first = torch.ones_like(table[:1]) if self.to_clean else table[:1]
        previous = torch.cat([first, alphas[:-1]])
        inverse = 1 - alphas
        if self.float32_tables:
            inverse = inverse.float()
        sigmas = self.eta * ((1 - previous) * inverse.reciprocal().double()
                             * (1 - alphas / previous)).sqrt()
        return dict(timesteps=torch.tensor(timesteps), alphas=alphas,
                    alphas_prev=previous, sigmas=sigmas)

    def steps(self, denoise, x, rng, schedule):
        table = self.coefficients(schedule)
        rows = zip(*(column.flip(0).tolist() for column in table.values()),
                   strict=True)
        for time, alpha, previous, sigma in rows:
            x0 = denoise(x, time).x0
            eps = (x - alpha**.5 * x0) * (1 - alpha)**-.5
            x = previous**.5 * x0 + max(1 - previous - sigma**2, 0)**.5 * eps
            if sigma > 0:
                x = x + sigma * rng.normal(*x.shape[1:])
            yield x, x0


@TASK_UTILS.register_module()
class DDPMSampler(_TableSampler):
    """Ancestral sampling (arXiv:2006.11239 algorithm 2) over fewer timesteps.

    The variance is that of the denoiser if it learns one (arXiv:2102.09672),
    else the posterior's. The last step adds no noise. One denoiser call a
    step.
    """

    def __init__(self, num_steps: int = 250, spacing: str = 'rounded') -> None:
        super().__init__(num_steps, spacing)

    def steps(self, denoise, x, rng, schedule):
        timesteps = self.timesteps(schedule)
        short = schedule.respaced(timesteps)
        columns = (short.posterior_mean_coef_x0, short.posterior_mean_coef_xt,
                   short.posterior_variance.sqrt(), *short.log_variance_range)
        rows = zip(timesteps, *(column.tolist() for column in columns),
                   strict=True)
        for time, of_x0, of_xt, sigma, low, high in reversed(list(rows)):
            x0, variance = denoise(x, time)
            x = of_x0 * x0 + of_xt * x
            if time > timesteps[0]:
                if variance is not None:
                    log = low + (variance + 1) / 2 * (high - low)
                    sigma = (log / 2).exp()
                x = x + sigma * rng.normal(*x.shape[1:])
            yield x, x0
