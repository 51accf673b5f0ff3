"""Gaussian diffusion: the forward process and the training loss."""
from collections.abc import Callable

import torch
from torch import Tensor, nn

from rcg.diffusion.parameterization import (
    PARAMETERIZATIONS,
    to_x0,
    training_target,
)
from rcg.diffusion.schedules import NoiseSchedule, make_betas
from rcg.registry import TASK_UTILS
from rcg.rng import SampleRng


@TASK_UTILS.register_module()
class GaussianDiffusion(nn.Module):
    """DDPM's forward process (arXiv:2006.11239) over data of any shape.

    It has no weights; its tables are buffers that are not saved.

    Args:
        parameterization: What the denoiser predicts: 'eps', 'x0' or 'v'.
        schedule: See :func:`~rcg.diffusion.schedules.make_betas`.
        num_timesteps: T.
        beta_start: First beta.
        beta_end: Last beta.
    """

    def __init__(self, parameterization: str, schedule: str = 'linear',
                 num_timesteps: int = 1000, beta_start: float = 1e-4,
                 beta_end: float = 2e-2) -> None:
        super().__init__()
        if parameterization not in PARAMETERIZATIONS:
            raise ValueError(f'parameterization must be one of '
                             f"{PARAMETERIZATIONS}, got '{parameterization}'.")
        self.parameterization = parameterization
        self.schedule = NoiseSchedule(
            make_betas(schedule, num_timesteps, beta_start, beta_end))
        signal = self.schedule.alphas_cumprod
        for name, table in (
                ('signal', signal.sqrt()), ('noise', (1 - signal).sqrt()),
                ('vlb_weights', self.schedule.vlb_weights(parameterization))):
            self.register_buffer(name, table.float(), persistent=False)

    def __len__(self) -> int:
        return len(self.schedule)

    def _coefficients(self, t: Tensor, ndim: int) -> tuple[Tensor, Tensor]:
        shape = (-1, ) + (1, ) * (ndim - 1)
        return self.signal[t].view(shape), self.noise[t].view(shape)

    def add_noise(self, x0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """Draw x_t from q(x_t | x_0), DDPM eq. 4.

        Args:
            x0 (N, ...): Clean data, about unit variance.
            t (N,): Timesteps, int64 in [0, T).
            eps (N, ...): Standard normal noise.

        Returns:
            (N, ...): The noisy data x_t.
        """
        a, s = self._coefficients(t, x0.ndim)
        return a * x0 + s * eps

    def predict_x0(self, output: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
        """The clean data (N, ...) that a denoiser's output stands for."""
        return to_x0(self.parameterization, output, x_t,
                     *self._coefficients(t, x_t.ndim))

    def loss(self, denoiser: Callable[[Tensor, Tensor], Tensor], x0: Tensor,
             rng: SampleRng) -> dict[str, Tensor]:
        """Mean squared error at random timesteps, DDPM eq. 14.

        Args:
            denoiser: (x_t, t) -> output in the shape of x_t.
            x0 (N, ...): Clean data.
            rng: Draws a timestep and the noise of each row.

        Returns:
            ``loss_diffusion``, and ``vlb``, the bound's term, for the log.
        """
        t = rng.randint(len(self))
        eps = rng.normal(*x0.shape[1:])
        a, s = self._coefficients(t, x0.ndim)
        output = denoiser(a * x0 + s * eps, t).float()
        target = training_target(self.parameterization, x0, eps, a, s)
        error = (output - target).square().flatten(1).mean(1)  # (N,)
        with torch.no_grad():
            vlb = (self.vlb_weights[t] * error).mean()
        return dict(loss_diffusion=error.mean(), vlb=vlb)

    def denoise_with(self, denoiser: Callable[[Tensor, Tensor], Tensor]
                     ) -> Callable[[Tensor, Tensor], Tensor]:
        """Adapt a denoiser for the samplers: (x_t, t) -> predicted x0."""
        return lambda x_t, t: self.predict_x0(
            denoiser(x_t, t).float(), x_t, t)
