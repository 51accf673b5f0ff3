"""Samplers: one loop each over a callable that predicts the clean data.

A sampler is built from numbers alone. ``sampler(denoise, x_T, rng,
schedule)`` returns samples; ``sampler.steps(...)`` yields (x, x0) after every
step. ``denoise(x_t, t)`` takes t (N,) and returns the predicted x0. All
coefficients are Python floats, so no step waits for the device.
"""
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from rcg.diffusion.schedules import NoiseSchedule, space_timesteps
from rcg.registry import TASK_UTILS
from rcg.rng import SampleRng

Denoise = Callable[[Tensor, Tensor], Tensor]


class _Sampler:

    def steps(self, denoise: Denoise, x: Tensor, rng: SampleRng,
              schedule: NoiseSchedule) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (x, predicted x0) after each step, highest noise first."""
        raise NotImplementedError

    def __call__(self, denoise: Denoise, x: Tensor, rng: SampleRng,
                 schedule: NoiseSchedule) -> Tensor:
        """Draw samples.

        Args:
            denoise: (x_t (N, ...), t (N,)) -> predicted x0 (N, ...).
            x (N, ...): Standard normal noise, x_T.
            rng: The streams that ``x`` was drawn from; they go on.
            schedule: The schedule that the denoiser was trained on.

        Returns:
            (N, ...): The samples.
        """
        for x, _ in self.steps(denoise, x, rng, schedule):
            pass
        return x


@TASK_UTILS.register_module()
class DDIMSampler(_Sampler):
    """DDIM (arXiv:2010.02502 eq. 12 and 16).

    As in the LDM and RDM code: timesteps 1, 1 + c, ..., and the last step
    goes to the marginal of timestep 0, not to clean data, so that with
    eta > 0 it still adds noise. With ``to_clean`` it returns clean data.

    Args:
        num_steps: Number of denoiser calls; with 'strided', at least.
        eta: 0 is deterministic, 1 is like DDPM.
        spacing: See :func:`~rcg.diffusion.schedules.space_timesteps`.
        offset: Added to the timesteps 0, c, 2c, ...
        to_clean: Whether the last step ends at alphas_cumprod = 1.
        float32_tables: Whether to round alphas_cumprod to float32 first, as
            checkpoints of the LDM family hold it, and the inverse of
            1 - alphas_cumprod in sigma too, as their code does; it matters
            where that is small.
    """

    def __init__(self, num_steps: int = 250, eta: float = 1.,
                 spacing: str = 'uniform', offset: int = 1,
                 to_clean: bool = False,
                 float32_tables: bool = True) -> None:
        if eta < 0:
            raise ValueError(f'eta must not be negative, got {eta}.')
        self.num_steps, self.eta = num_steps, eta
        self.spacing, self.offset = spacing, offset
        self.to_clean, self.float32_tables = to_clean, float32_tables

    def coefficients(self, schedule: NoiseSchedule) -> dict[str, Tensor]:
        """``timesteps``, ``alphas`` (cumulative), ``alphas_prev`` and
        ``sigmas``, each (S,), ascending in time; float64."""
        timesteps = space_timesteps(len(schedule), self.num_steps,
                                    self.spacing, self.offset)
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
            t = torch.full((len(x), ), time, device=x.device)
            x0 = denoise(x, t)
            eps = (x - alpha**.5 * x0) * (1 - alpha)**-.5
            x = previous**.5 * x0 + max(1 - previous - sigma**2, 0)**.5 * eps
            if sigma > 0:
                x = x + sigma * rng.normal(*x.shape[1:])
            yield x, x0


@TASK_UTILS.register_module()
class DDPMSampler(_Sampler):
    """Ancestral sampling (arXiv:2006.11239 algorithm 2), respaced.

    The variance is the posterior's; the last step adds no noise.

    Args:
        num_steps: Number of denoiser calls.
        spacing: See :func:`~rcg.diffusion.schedules.space_timesteps`.
        clip: Clip the predicted x0 to [-clip, clip]; None does not.
    """

    def __init__(self, num_steps: int = 250, spacing: str = 'rounded',
                 clip: float | None = None) -> None:
        self.num_steps, self.spacing, self.clip = num_steps, spacing, clip

    def steps(self, denoise, x, rng, schedule):
        timesteps = space_timesteps(len(schedule), self.num_steps,
                                    self.spacing)
        short = schedule.respaced(timesteps)
        weights = (short.posterior_mean_coef_x0.tolist(),
                   short.posterior_mean_coef_xt.tolist(),
                   short.posterior_variance.sqrt().tolist())
        rows = list(zip(timesteps, *weights, strict=True))
        for time, of_x0, of_xt, sigma in reversed(rows):
            t = torch.full((len(x), ), time, device=x.device)
            x0 = denoise(x, t)
            if self.clip is not None:
                x0 = x0.clamp(-self.clip, self.clip)
            x = of_x0 * x0 + of_xt * x
            if sigma > 0:
                x = x + sigma * rng.normal(*x.shape[1:])
            yield x, x0
