"""Gaussian diffusion: the forward process of DDPM, and its losses.

Letters: N batch, C channels, T timesteps.
"""
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from rcg.diffusion.parameterization import Levels, to_x0, training_target
from rcg.diffusion.process import Denoiser, DiffusionProcess
from rcg.diffusion.schedules import NoiseSchedule, make_betas
from rcg.diffusion.weighting import check_gamma, min_snr_weight
from rcg.registry import TASK_UTILS
from rcg.rng import SampleRng


@dataclass(frozen=True)
class Objective:
    """What a training minimizes; most names are those of ADM's flags.

    Attributes:
        use_kl: The variational bound, T times a row's term, in bits per
            dimension (improved DDPM, arXiv:2102.09672, L_vlb); False: the
            squared error and, if the variance is learned, the bound for it.
        rescale_learned_sigmas: The bound beside the squared error has the
            weight T / 1000 (improved DDPM's L_hybrid); False: 1, as in the
            published code of ADM, DiT and RCG. With T = 1000 both are one.
        schedule_sampler: Config of what draws the timesteps, such as
            :class:`~rcg.diffusion.LossSecondMomentResampler`, which improved
            DDPM has with ``use_kl``; None: evenly.
        min_snr_gamma: Weights the squared error by
            :func:`~rcg.diffusion.weighting.min_snr_weight`; None: it does
            not.
    """
    use_kl: bool = False
    rescale_learned_sigmas: bool = False
    schedule_sampler: dict | None = None
    min_snr_gamma: float | None = None


@TASK_UTILS.register_module()
class GaussianDiffusion(DiffusionProcess):
    """DDPM's forward process (arXiv:2006.11239) over data of any shape.

    It has no weights; its tables are buffers that are not saved. But what a
    ``schedule_sampler`` has seen is saved.

    Args:
        parameterization: What the denoiser predicts: 'eps', 'x0' or 'v'.
        schedule: See :func:`~rcg.diffusion.schedules.make_betas`.
        num_timesteps: T.
        beta_start, beta_end: First and last beta.
        learn_variance: Whether the denoiser returns twice the channels. The
            second half is the variance of a reverse step, interpolated on a
            log scale from the posterior's (-1) to beta (1). It is learned
            from the variational bound (arXiv:2102.09672 eq. 15 and 16).
        clip: In sampling, predicted clean data are clipped to [-clip, clip]
            (1 for pixels); None: they are not.
        objective: ``use_kl``, ``rescale_learned_sigmas``,
            ``schedule_sampler``, ``min_snr_gamma``; see :class:`Objective`.

    Raises:
        ValueError: There is no such parameterization or schedule, or a weight
            is asked for of a term that there is not.
    """

    def __init__(self, parameterization: str, schedule: str = 'linear',
                 num_timesteps: int = 1000, beta_start: float = 1e-4,
                 beta_end: float = 2e-2, learn_variance: bool = False,
                 clip: float | None = None, **objective) -> None:
        super().__init__(parameterization, clip)
        self.learn_variance = learn_variance
        self.objective = Objective(**objective)
        self._check_objective()
        if self.objective.schedule_sampler is not None:
            self.schedule_sampler = TASK_UTILS.build(dict(
                self.objective.schedule_sampler, num_timesteps=num_timesteps))
        self.schedule = schedule = NoiseSchedule(
            make_betas(schedule, num_timesteps, beta_start, beta_end))
        signal = schedule.alphas_cumprod
        lowest, highest = schedule.log_variance_range
        for name, table in (
                ('signal', signal.sqrt()), ('noise', (1 - signal).sqrt()),
                ('vlb_weights', schedule.vlb_weights(parameterization)),
                ('of_x0', schedule.posterior_mean_coef_x0),
                ('of_xt', schedule.posterior_mean_coef_xt),
                ('lowest', lowest), ('highest', highest)):
            self.register_buffer(name, table.float(), persistent=False)

    def _check_objective(self) -> None:
        objective = self.objective
        if objective.rescale_learned_sigmas and (
                objective.use_kl or not self.learn_variance):
            raise ValueError(
                'rescale_learned_sigmas weights the bound of a learned '
                'variance beside the squared error, got learn_variance='
                f'{self.learn_variance} and use_kl={objective.use_kl}: set '
                'learn_variance=True and use_kl=False, or leave it out.')
        check_gamma(objective.min_snr_gamma)
        if objective.use_kl and objective.min_snr_gamma is not None:
            raise ValueError(
                'min_snr_gamma weights the squared error, but use_kl=True '
                'trains by the bound alone; leave one of them out.')

    def levels_at(self, t: Tensor, ndim: int) -> Levels:
        a, s = self._at(t, ndim, 'signal', 'noise')
        return Levels(a, s, -s, a)

    def _at(self, t: Tensor, ndim: int, *tables: str) -> list[Tensor]:
        shape = (-1, ) + (1, ) * (ndim - 1)  # to broadcast over the data
        return [getattr(self, name)[t].view(shape) for name in tables]

    def _even_times(self, rng: SampleRng) -> Tensor:
        return rng.randint(len(self))

    def losses_at(self, t: Tensor, denoiser: Denoiser, x0: Tensor,
                  eps: Tensor) -> dict[str, Tensor]:
        """Losses (N,) at the timesteps t (N,).

        ``loss_diffusion`` is the mean squared error, DDPM eq. 14, times the
        weight by ``min_snr_gamma``. Further,
        the row's term of the variational bound. With a fixed variance it is
        ``vlb``, for the log only. With a learned variance it is
        ``loss_variance``, in bits per dimension, whose gradient reaches the
        variance only. With ``use_kl`` there is ``loss_vlb`` alone, with
        gradients for all, and ``mse`` for the log.
        """
        at = self.levels_at(t, x0.ndim)
        x_t = at.signal * x0 + at.noise * eps
        output, variance = self._split(denoiser(x_t, t))
        target = training_target(self.parameterization, x0, eps, at)
        error = (output - target).square().flatten(1).mean(1)  # (N,)
        if self.objective.use_kl:
            found = to_x0(self.parameterization, output, x_t, at)
            bound = self._bound_term(x0, x_t, t, found, variance)
            return dict(loss_vlb=len(self) * bound, mse=error.detach())
        weighted = error
        if self.objective.min_snr_gamma is not None:
            weighted = error * min_snr_weight(
                self.parameterization, self.levels_at(t, 1),
                self.objective.min_snr_gamma)
        if variance is None:
            return dict(loss_diffusion=weighted,
                        vlb=(self.vlb_weights[t] * error).detach())
        found = to_x0(self.parameterization, output.detach(), x_t, at)
        bound = self._bound_term(x0, x_t, t, found, variance)
        if self.objective.rescale_learned_sigmas:
            bound = len(self) / 1000 * bound
        return dict(loss_diffusion=weighted, loss_variance=bound)

    def _bound_term(self, x0: Tensor, x_t: Tensor, t: Tensor, found: Tensor,
                    variance: Tensor | None) -> Tensor:
        """-log p(x_0 | x_1) at t = 0, else KL(q || p); (N,), bits per
        dimension. A variance that is not learned is the posterior's."""
        of_x0, of_xt, lowest, highest = self._at(
            t, x0.ndim, 'of_x0', 'of_xt', 'lowest', 'highest')
        log_variance = lowest
        if variance is not None:
            log_variance = lowest + (variance + 1) / 2 * (highest - lowest)
        mean = of_x0 * found + of_xt * x_t
        gap = of_x0 * (x0 - found)  # between the means
        kl = .5 * (log_variance - lowest - 1 + (lowest - log_variance).exp()
                   + gap.square() * (-log_variance).exp())
        nll = -_log_likelihood_of_pixels(x0, mean, (log_variance / 2).exp())
        nll, kl = nll.flatten(1).mean(1), kl.flatten(1).mean(1)
        return torch.where(t == 0, nll, kl) / math.log(2)


def _log_likelihood_of_pixels(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Log-likelihood in nats of pixels with 256 levels in [-1, 1].

    DDPM eq. 13: the mass of a Gaussian in the bin around the level. The bins
    of the two outermost levels extend to infinity.
    """
    def integral(z: Tensor) -> Tensor:
        # The normal CDF by tanh, as in the published code.
        return torch.sigmoid(math.sqrt(8 / math.pi) * (z + .044715 * z**3))

    above = integral((x - mean + 1 / 255) / std)
    below = integral((x - mean - 1 / 255) / std)
    mass = torch.where(x < -.999, above,
                       torch.where(x > .999, 1 - below, above - below))
    return mass.clamp(min=1e-12).log()
