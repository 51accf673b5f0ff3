"""Gaussian diffusion: forward process, losses, reading a denoiser's output.

Letters: N batch, C channels, T timesteps.
"""
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rcg.diffusion.parameterization import (
    PARAMETERIZATIONS,
    to_x0,
    training_target,
)
from rcg.diffusion.samplers import Prediction
from rcg.diffusion.schedules import NoiseSchedule, make_betas
from rcg.registry import TASK_UTILS
from rcg.rng import SampleRng

Denoiser = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Objective:
    """What a training minimizes; the names are those of ADM's flags.

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
    """
    use_kl: bool = False
    rescale_learned_sigmas: bool = False
    schedule_sampler: dict | None = None


@TASK_UTILS.register_module()
class GaussianDiffusion(nn.Module):
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
        objective: ``use_kl``, ``rescale_learned_sigmas`` and
            ``schedule_sampler``; see :class:`Objective`.

    Raises:
        ValueError: There is no such parameterization or schedule, or a weight
            is asked for of a term that there is not.
    """

    def __init__(self, parameterization: str, schedule: str = 'linear',
                 num_timesteps: int = 1000, beta_start: float = 1e-4,
                 beta_end: float = 2e-2, learn_variance: bool = False,
                 clip: float | None = None, **objective) -> None:
        super().__init__()
        if parameterization not in PARAMETERIZATIONS:
            raise ValueError(f'parameterization must be one of '
                             f"{PARAMETERIZATIONS}, got '{parameterization}'.")
        self.parameterization = parameterization
        self.learn_variance, self.clip = learn_variance, clip
        self.objective = Objective(**objective)
        self._check_objective()
        self.schedule_sampler = None
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

    def __len__(self) -> int:
        return len(self.schedule)

    def _at(self, t: Tensor, ndim: int, *tables: str) -> list[Tensor]:
        shape = (-1, ) + (1, ) * (ndim - 1)  # to broadcast over the data
        return [getattr(self, name)[t].view(shape) for name in tables]

    def add_noise(self, x0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """x_t (N, ...) from q(x_t | x_0), DDPM eq. 4.

        Args:
            x0 (N, ...): Clean data, about unit variance.
            t (N,): Timesteps, int64 in [0, T).
            eps (N, ...): Standard normal noise.
        """
        a, s = self._at(t, x0.ndim, 'signal', 'noise')
        return a * x0 + s * eps

    def _split(self, output: Tensor) -> tuple[Tensor, Tensor | None]:
        """A denoiser's output in float32: prediction and, if it is learned,
        variance in [-1, 1]."""
        output = output.float()
        return output.chunk(2, 1) if self.learn_variance else (output, None)

    def predict_x0(self, output: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
        """The clean data (N, ...) that a denoiser's output implies.

        One timestep (1,) holds for all rows.
        """
        if self.parameterization == 'x0':  # levels matter to the others alone
            return self._split(output)[0]
        return to_x0(self.parameterization, self._split(output)[0], x_t,
                     *self._at(t, x_t.ndim, 'signal', 'noise'))

    def loss(self, denoiser: Denoiser, x0: Tensor, rng: SampleRng
             ) -> dict[str, Tensor]:
        """Means of :meth:`losses` over the batch."""
        rows = self.losses(denoiser, x0, rng)
        return {name: row.mean() for name, row in rows.items()}

    def losses(self, denoiser: Denoiser, x0: Tensor, rng: SampleRng
               ) -> dict[str, Tensor]:
        """Losses (N,), one a row, each row at a random timestep.

        Args:
            denoiser: (x_t, t) -> output in the shape of x_t, or with twice
                the channels if it learns the variance.
            x0 (N, ...): Clean data.
            rng: Draws a timestep and the noise of each row.

        Returns:
            Those of :class:`Objective`, each weighted by 1 / (T p_t) if the
            timesteps are not drawn evenly.
        """
        sampler = self.schedule_sampler
        if sampler is None:
            return self._losses_at(rng.randint(len(self)), denoiser, x0, rng)
        t, weights = sampler.draw(rng)
        rows = self._losses_at(t, denoiser, x0, rng)
        if self.training:
            sampler.update(t, sum(row.detach() for name, row in rows.items()
                                  if 'loss' in name), rng)
        return {name: weights * row for name, row in rows.items()}

    def _losses_at(self, t: Tensor, denoiser: Denoiser, x0: Tensor,
                   rng: SampleRng) -> dict[str, Tensor]:
        """Losses (N,) at the timesteps t (N,).

        ``loss_diffusion`` is the mean squared error, DDPM eq. 14. Further,
        the row's term of the variational bound. With a fixed variance it is
        ``vlb``, for the log only. With a learned variance it is
        ``loss_variance``, in bits per dimension, whose gradient reaches the
        variance only. With ``use_kl`` there is ``loss_vlb`` alone, with
        gradients for all, and ``mse`` for the log.
        """
        eps = rng.normal(*x0.shape[1:])
        a, s = self._at(t, x0.ndim, 'signal', 'noise')
        x_t = a * x0 + s * eps
        output, variance = self._split(denoiser(x_t, t))
        target = training_target(self.parameterization, x0, eps, a, s)
        error = (output - target).square().flatten(1).mean(1)  # (N,)
        if self.objective.use_kl:
            found = to_x0(self.parameterization, output, x_t, a, s)
            bound = self._bound_term(x0, x_t, t, found, variance)
            return dict(loss_vlb=len(self) * bound, mse=error.detach())
        if variance is None:
            return dict(loss_diffusion=error,
                        vlb=(self.vlb_weights[t] * error).detach())
        found = to_x0(self.parameterization, output.detach(), x_t, a, s)
        bound = self._bound_term(x0, x_t, t, found, variance)
        if self.objective.rescale_learned_sigmas:
            bound = len(self) / 1000 * bound
        return dict(loss_diffusion=error, loss_variance=bound)

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

    def prediction(self, output: Tensor, x_t: Tensor, t: Tensor
                   ) -> Prediction:
        """A denoiser's output for x_t (N, ...), as samplers want it."""
        x0 = self.predict_x0(output, x_t, t)
        if self.clip is not None:
            x0 = x0.clamp(-self.clip, self.clip)
        return Prediction(x0, self._split(output)[1])

    def denoise(self, denoiser: Denoiser, x_t: Tensor, time: int
                ) -> Prediction:
        """Predict from x_t (N, ...), all at the timestep ``time``.

        With the denoiser bound, this is what samplers call. The timesteps
        (N,) that the denoiser gets are one number in memory, with stride 0.
        """
        t = torch.full((1, ), time, device=x_t.device).expand(len(x_t))
        return self.prediction(denoiser(x_t, t), x_t, t)


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
