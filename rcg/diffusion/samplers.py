"""Samplers: one loop each over a callable that predicts the clean data.

A sampler knows no network. ``sampler(denoise, x_T, rng, schedule)`` returns
samples. ``denoise(x_t, time)`` takes one timestep for the whole batch and
returns a :class:`Prediction`. All coefficients are Python floats, so no step
waits for the device.

With a = alphas_cumprod: x_t = sqrt(a) x_0 + sqrt(1 - a) eps.
"""
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from rcg.diffusion.schedules import NoiseSchedule, space_timesteps
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


Denoise = Callable[[Tensor, int], Prediction]


class _Sampler:
    """Base of the samplers, each of which visits some of the timesteps.

    Args:
        num_steps, spacing, offset: Which timesteps; see
            :func:`~rcg.diffusion.schedules.space_timesteps`.
    """

    def __init__(self, num_steps: int, spacing: str, offset: int = 0) -> None:
        self.num_steps, self.spacing, self.offset = num_steps, spacing, offset

    def timesteps(self, schedule: NoiseSchedule) -> list[int]:
        """The timesteps visited, ascending.

        Raises:
            ValueError: They cannot be spaced like that.
        """
        return space_timesteps(len(schedule), self.num_steps, self.spacing,
                               self.offset)

    def steps(self, denoise: Denoise, x: Tensor, rng: SampleRng,
              schedule: NoiseSchedule) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (x, predicted x0) after each step, highest noise first."""
        raise NotImplementedError

    def __call__(self, denoise: Denoise, x: Tensor, rng: SampleRng,
                 schedule: NoiseSchedule) -> Tensor:
        """Draw samples (N, ...).

        Args:
            denoise: (x_t (N, ...), timestep) -> Prediction.
            x (N, ...): Standard normal noise, x_T.
            rng: The streams that ``x`` was drawn from; further noise is drawn
                from them.
            schedule: The schedule that the denoiser was trained on.
        """
        for x, _ in self.steps(denoise, x, rng, schedule):
            pass
        return x


@TASK_UTILS.register_module()
class DDIMSampler(_Sampler):
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
        super().__init__(num_steps, spacing, offset)
        self.eta = eta
        self.to_clean, self.float32_tables = to_clean, float32_tables

    def coefficients(self, schedule: NoiseSchedule) -> dict[str, Tensor]:
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
class DDPMSampler(_Sampler):
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


class _ODESampler(_Sampler):
    """Base of solvers of the probability-flow ODE, which draw no noise.

    The last step ends at clean data. ``spacing`` may also be 'log_snr':
    evenly in the log signal-to-noise ratio.
    """

    def __init__(self, num_steps: int = 20, spacing: str = 'log_snr') -> None:
        super().__init__(num_steps, spacing)

    def timesteps(self, schedule):
        if self.spacing == 'log_snr':
            return schedule.even_in_log_snr(self.num_steps)
        return super().timesteps(schedule)

    def levels(self, schedule: NoiseSchedule
               ) -> Iterator[tuple[int, tuple, int | None, tuple]]:
        """For each step: its timestep and (signal, noise), and those of the
        next step. After the last step these are None and (1, 0)."""
        timesteps = self.timesteps(schedule)[::-1]
        alphas = schedule.alphas_cumprod[timesteps].tolist()
        pairs = [(a**.5, (1 - a)**.5) for a in alphas]
        return zip(timesteps, pairs, [*timesteps[1:], None],
                   [*pairs[1:], (1., 0.)], strict=True)


@TASK_UTILS.register_module()
class DPMSolverSampler(_ODESampler):
    """DPM-Solver++(2M), multistep (arXiv:2211.01095 algorithm 2).

    It extrapolates linearly, in the log signal-to-noise ratio, from the last
    two predictions. One denoiser call a step.
    """

    def steps(self, denoise, x, rng, schedule):
        last, last_h = None, 0.
        for time, (a, s), following, (next_a, next_s) in self.levels(
                schedule):
            x0 = line = denoise(x, time).x0
            if following is None:  # the log ratio of clean data is infinite
                yield x0, x0
                return
            h = math.log(next_a / next_s) - math.log(a / s)
            if last is not None:
                line = x0 + h / (2 * last_h) * (x0 - last)
            x = next_s / s * x - next_a * math.expm1(-h) * line
            last, last_h = x0, h
            yield x, x0


@TASK_UTILS.register_module()
class HeunSampler(_ODESampler):
    """Heun's method on dx / dsigma, EDM (arXiv:2206.00364 algorithm 1).

    It works with the variance-exploding x and sigma: ours divided by the
    signal level. Two denoiser calls a step, except the last:
    2 num_steps - 1 in all.
    """

    def steps(self, denoise, x, rng, schedule):
        for time, (a, s), following, (next_a, next_s) in self.levels(
                schedule):
            x0 = denoise(x, time).x0
            if following is None:
                yield x0, x0
                return
            scaled, sigma, next_sigma = x / a, s / a, next_s / next_a
            slope = (scaled - x0) / sigma
            guess = scaled + (next_sigma - sigma) * slope
            other = denoise(next_a * guess, following).x0
            slope = (slope + (guess - other) / next_sigma) / 2
            x = next_a * (scaled + (next_sigma - sigma) * slope)
            yield x, x0
