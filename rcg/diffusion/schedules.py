"""Noise schedules: betas, tables that follow from them, spacing of steps."""
import dataclasses
import itertools
import math

import torch
from torch import Tensor


def make_betas(schedule: str, num_timesteps: int, start: float = 1e-4,
               end: float = 2e-2) -> Tensor:
    """Variances beta_t (T,) of the forward process, DDPM (arXiv:2006.11239).

    They are float64 in (0, 1), on the CPU even if that is not the default
    device.

    Args:
        schedule: 'linear' in beta (ADM, DiT), 'scaled_linear' (linear in the
            square root of beta; LDM and RDM code call it "linear") or
            'cosine' (arXiv:2102.09672 eq. 17).
        num_timesteps: T.
        start, end: First and last beta; 'cosine' uses neither.

    Raises:
        ValueError: There is no such schedule.
    """
    if schedule == 'linear':
        return _line(start, end, num_timesteps)
    if schedule == 'scaled_linear':
        return _line(start**.5, end**.5, num_timesteps)**2
    if schedule == 'cosine':
        edges = _line(0, num_timesteps, num_timesteps + 1) / num_timesteps
        signal = torch.cos((edges + .008) / 1.008 * math.pi / 2)**2
        return (1 - signal[1:] / signal[:-1]).clamp(max=.999)
    raise ValueError("schedule must be 'linear', 'scaled_linear' or 'cosine',"
                     f" got '{schedule}'.")


def _line(first: float, last: float, count: int) -> Tensor:
    return torch.linspace(first, last, count, dtype=torch.float64,
                          device='cpu')


def space_timesteps(num_timesteps: int, num_steps: int,
                    spacing: str = 'uniform', offset: int = 0) -> list[int]:
    """Ascending timesteps in [0, T) that a sampler of fewer steps visits.

    Args:
        num_timesteps: T, the length of the schedule trained on.
        num_steps: How many timesteps to keep, in [1, T].
        spacing: 'uniform': 0, c, 2c, ... with c = T / num_steps rounded up, if
            that makes num_steps of them (DDIM, arXiv:2010.02502).
            'strided': the same with c rounded down, as in the LDM and RDM
            code; more than num_steps if there is a remainder.
            'rounded': evenly from 0 to T - 1 with both ends, rounded
            (improved DDPM, arXiv:2102.09672).
            'trailing': evenly down from T - 1, so that the last of few steps
            is not spent on t = 0, where hardly any noise is left
            (arXiv:2305.08891).
        offset: Added to every timestep; the LDM and RDM code uses 1.

    Raises:
        ValueError: The timesteps cannot be spaced like that.
    """
    if not 1 <= num_steps <= num_timesteps:
        raise ValueError(f'num_steps must be in [1, {num_timesteps}], got '
                         f'{num_steps}; T = {num_timesteps} is set by the '
                         'diffusion config.')
    timesteps = _spaced(num_timesteps, num_steps, spacing)
    if len(timesteps) != num_steps and spacing != 'strided':
        raise ValueError(
            f'{num_steps} of {num_timesteps} timesteps cannot be spaced '
            f"uniformly; the nearest is {len(timesteps)}, or use 'rounded'.")
    if timesteps[-1] + offset >= num_timesteps:
        raise ValueError(
            f'{num_steps} steps with offset {offset} reach beyond the last '
            f'timestep {num_timesteps - 1}; take fewer steps or offset 0.')
    return [time + offset for time in timesteps]


def _spaced(num_timesteps: int, num_steps: int, spacing: str) -> list[int]:
    """Timesteps without offset, of each spacing of :func:`space_timesteps`.

    Raises:
        ValueError: There is no such spacing.
    """
    if spacing == 'rounded':
        # Sums, not multiples of the stride: so ties round as published.
        stride = (num_timesteps - 1) / max(num_steps - 1, 1)
        return [round(place) for place in itertools.accumulate(
            [0.] + [stride] * (num_steps - 1))]
    if spacing == 'trailing':
        return [round((i + 1) * num_timesteps / num_steps) - 1
                for i in range(num_steps)]
    if spacing == 'uniform':
        return list(range(0, num_timesteps, -(-num_timesteps // num_steps)))
    if spacing == 'strided':
        return list(range(0, num_timesteps, num_timesteps // num_steps))
    raise ValueError("spacing must be 'uniform', 'strided', 'rounded' or "
                     f"'trailing', got '{spacing}'.")


@dataclasses.dataclass(frozen=True)
class NoiseSchedule:
    """Tables (T,) that follow from ``betas``, in float64 on the CPU.

    x_t = sqrt(alphas_cumprod[t]) x_0 + sqrt(1 - alphas_cumprod[t]) noise.
    """
    betas: Tensor

    def __len__(self) -> int:
        return len(self.betas)

    def times(self, num_steps: int, spacing: str, offset: int = 0,
              shift: float = 1., last: float | None = None) -> list[int]:
        """Ascending timesteps that a sampler visits.

        Args:
            num_steps, offset: See :func:`space_timesteps`.
            spacing: As there, or 'log_snr': :meth:`even_in_log_snr`.
            shift, last: Of a continuous time alone; see
                :meth:`~rcg.diffusion.flow.LinearPath.times`.

        Raises:
            ValueError: The timesteps cannot be spaced like that.
        """
        if shift != 1 or last is not None:
            raise ValueError(
                f'a table of {len(self)} timesteps cannot be shifted nor end '
                f'anywhere, got shift={shift} and last={last}; these are for '
                'FlowMatching.')
        if spacing == 'log_snr':
            if offset:
                raise ValueError("spacing 'log_snr' has no offset, got "
                                 f'{offset}; take offset 0.')
            return self.even_in_log_snr(num_steps)
        return space_timesteps(len(self), num_steps, spacing, offset)

    def levels(self, times: list[int]) -> list[tuple[float, float]]:
        """(signal, noise) at each of some timesteps, as Python floats."""
        return [(a**.5, (1 - a)**.5)
                for a in self.alphas_cumprod[times].tolist()]

    def progress(self, time: int) -> float:
        """The share of timesteps that is done after this one, in (0, 1]."""
        return 1 - time / len(self)

    @property
    def alphas_cumprod(self) -> Tensor:
        return (1 - self.betas).cumprod(0)

    @property
    def alphas_cumprod_prev(self) -> Tensor:
        """alphas_cumprod of t - 1; 1 at t = 0."""
        return torch.cat([self.betas.new_ones(1), self.alphas_cumprod[:-1]])

    @property
    def posterior_variance(self) -> Tensor:
        """Variance of q(x_{t-1} | x_t, x_0), DDPM eq. 7; 0 at t = 0."""
        return (self.betas * (1 - self.alphas_cumprod_prev)
                / (1 - self.alphas_cumprod))

    @property
    def posterior_mean_coef_x0(self) -> Tensor:
        """Weight of x_0 in the mean of q(x_{t-1} | x_t, x_0)."""
        return (self.betas * self.alphas_cumprod_prev.sqrt()
                / (1 - self.alphas_cumprod))

    @property
    def posterior_mean_coef_xt(self) -> Tensor:
        """Weight of x_t in the mean of q(x_{t-1} | x_t, x_0)."""
        return ((1 - self.alphas_cumprod_prev) * (1 - self.betas).sqrt()
                / (1 - self.alphas_cumprod))

    @property
    def log_variance_range(self) -> tuple[Tensor, Tensor]:
        """Logs of the smallest and the largest variance of a reverse step.

        They are the posterior's variance and beta. The former is 0 at t = 0;
        the value at t = 1 takes its place (arXiv:2102.09672).
        """
        lowest = self.posterior_variance.clone()
        lowest[0] = lowest[1] if len(self) > 1 else self.betas[0]
        return lowest.log(), self.betas.log()

    def vlb_weights(self, parameterization: str) -> Tensor:
        """Weights of the squared error in the variational bound.

        They only serve to log the bound, and reproduce the numbers that the
        LDM code logs. So the weight for x0 is divided by 2 - alphas_cumprod
        (sic), tables are float32, and entry 0 repeats entry 1.
        """
        a, betas = self.alphas_cumprod.float(), self.betas.float()
        weights = torch.ones_like(a)
        if parameterization == 'x0':
            weights = .5 * a.sqrt() / (2 - a)
        elif parameterization == 'eps':
            weights = betas**2 / (2 * self.posterior_variance.float()
                                  * (1 - self.betas).float() * (1 - a))
        weights[0] = weights[1]
        return weights

    def even_in_log_snr(self, num_steps: int) -> list[int]:
        """Timesteps at even steps of the log signal-to-noise ratio.

        They are distinct and ascend from 0 (arXiv:2211.01095). They end at
        T - 1, or where the ratio falls below e^-10.2, with which linear betas
        end: the last timesteps of cosine betas are nothing but noise.

        Raises:
            ValueError: ``num_steps`` is not in [2, T].
        """
        if not 2 <= num_steps <= len(self):
            raise ValueError(f'num_steps must be in [2, {len(self)}], got '
                             f'{num_steps}; T = {len(self)} is set by the '
                             'diffusion config.')
        levels = (1 / self.alphas_cumprod - 1).log()
        wanted = _line(levels[0].item(), min(levels[-1].item(), 10.2),
                       num_steps)
        nearest = (levels[:, None] - wanted).abs().argmin(0)
        # Where several coincide, move them up, but not beyond the end.
        place = torch.arange(num_steps, device='cpu')
        pushed = (nearest - place).cummax(0).values
        return (pushed.clamp(max=len(self) - num_steps) + place).tolist()

    def respaced(self, timesteps: list[int]) -> 'NoiseSchedule':
        """The schedule that visits only ``timesteps``, with their marginals
        unchanged (arXiv:2102.09672 section 4)."""
        a = self.alphas_cumprod[timesteps]
        previous = torch.cat([a.new_ones(1), a[:-1]])
        return NoiseSchedule(1 - a / previous)
