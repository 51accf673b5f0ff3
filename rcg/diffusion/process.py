"""What all processes share: noise added, a denoiser's output read.

A process knows a path from data to noise, and its ``schedule`` answers what a
sampler asks: which times to visit, and the levels of signal and noise there.
N parameterizations and M samplers so meet in any process.
"""
from collections.abc import Callable

import torch
from torch import Tensor, nn

from rcg.diffusion.parameterization import (
    Levels,
    check_parameterization,
    to_x0,
)
from rcg.diffusion.samplers import Prediction, Sampler
from rcg.rng import SampleRng

Denoiser = Callable[[Tensor, Tensor], Tensor]


class DiffusionProcess(nn.Module):
    """Base of the processes, over data of any shape.

    A time is the process's own: a timestep of a table, or a fraction.
    :meth:`network_time` makes of it what a network embeds.

    Args:
        parameterization: What the denoiser predicts: 'eps', 'x0' or 'v'.
        clip: In sampling, predicted clean data are clipped to [-clip, clip]
            (1 for pixels); None: they are not.

    Attributes:
        schedule: What samplers ask for times and levels.
        schedule_sampler: What draws the times of training, a module with
            ``draw`` and ``update``; None: they are drawn evenly.
        learn_variance: Whether the denoiser returns twice the channels, of
            which the second half is the variance of a reverse step.
        any_source: Whether the noise may have another distribution than the
            standard normal one.

    Raises:
        ValueError: There is no such parameterization.
    """
    learn_variance = any_source = False

    def __init__(self, parameterization: str, clip: float | None) -> None:
        super().__init__()
        check_parameterization(parameterization)
        self.parameterization, self.clip = parameterization, clip
        self.schedule_sampler = None

    def __len__(self) -> int:
        return len(self.schedule)

    def levels_at(self, t: Tensor, ndim: int) -> Levels:
        """Levels (N, 1, ...), to broadcast over data of ``ndim`` axes.

        Args:
            t (N,): Times.
            ndim: Axes of the data, that of the batch included.
        """
        raise NotImplementedError

    def network_time(self, t: Tensor) -> Tensor:
        """What a network is called with at the times t (N,).

        Networks embed timesteps from 0 to about 1000.
        """
        return t

    def add_noise(self, x0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """x_t (N, ...) = a x0 + s eps.

        Args:
            x0 (N, ...): Clean data, about unit variance.
            t (N,): Times.
            eps (N, ...): Standard normal noise.
        """
        at = self.levels_at(t, x0.ndim)
        return at.signal * x0 + at.noise * eps

    def _split(self, output: Tensor) -> tuple[Tensor, Tensor | None]:
        """A denoiser's output in float32: prediction and, if it is learned,
        variance in [-1, 1]."""
        output = output.float()
        return output.chunk(2, 1) if self.learn_variance else (output, None)

    def predict_x0(self, output: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
        """The clean data (N, ...) that a denoiser's output implies.

        One time (1,) holds for all rows.
        """
        if self.parameterization == 'x0':  # levels matter to the others alone
            return self._split(output)[0]
        return to_x0(self.parameterization, self._split(output)[0], x_t,
                     self.levels_at(t, x_t.ndim))

    def loss(self, denoiser: Denoiser, x0: Tensor, rng: SampleRng,
             noise: Tensor | None = None) -> dict[str, Tensor]:
        """Means of :meth:`losses` over the batch."""
        rows = self.losses(denoiser, x0, rng, noise)
        return {name: row.mean() for name, row in rows.items()}

    def losses(self, denoiser: Denoiser, x0: Tensor, rng: SampleRng,
               noise: Tensor | None = None) -> dict[str, Tensor]:
        """Losses (N,), one a row, each row at a random time.

        Args:
            denoiser: (x_t, network time) -> output in the shape of x_t, or
                with twice the channels if it learns the variance.
            x0 (N, ...): Clean data.
            rng: Draws a time and the noise of each row.
            noise (N, ...): What to add instead, drawn by a source of another
                distribution, which may depend on the row.

        Returns:
            Those of :meth:`losses_at`, each times the weight that the
            ``schedule_sampler`` gives to its time.

        Raises:
            ValueError: ``noise`` has another shape than the data.
        """
        if noise is not None and noise.shape != x0.shape:
            raise ValueError(
                f'the source draws noise of {tuple(noise.shape[1:])}, the '
                f'data are of {tuple(x0.shape[1:])}; fit it to these data.')
        sampler = self.schedule_sampler
        if sampler is None:
            t, weights = self._even_times(rng), None
        else:
            t, weights = sampler.draw(rng)
        if noise is None:
            noise = rng.normal(*x0.shape[1:])
        rows = self.losses_at(t, denoiser, x0, noise)
        if sampler is not None and self.training:
            sampler.update(t, sum(row.detach() for name, row in rows.items()
                                  if 'loss' in name), rng)
        if weights is None:
            return rows
        return {name: weights * row for name, row in rows.items()}

    def _even_times(self, rng: SampleRng) -> Tensor:
        """Times (N,), drawn evenly."""
        raise NotImplementedError

    def losses_at(self, t: Tensor, denoiser: Denoiser, x0: Tensor,
                  eps: Tensor) -> dict[str, Tensor]:
        """Losses (N,) at the times t (N,), with the noise eps (N, ...)."""
        raise NotImplementedError

    def prediction(self, output: Tensor, x_t: Tensor, t: Tensor
                   ) -> Prediction:
        """A denoiser's output for x_t (N, ...), as samplers want it."""
        x0 = self.predict_x0(output, x_t, t)
        if self.clip is not None:
            x0 = x0.clamp(-self.clip, self.clip)
        return Prediction(x0, self._split(output)[1])

    def denoise(self, denoiser: Denoiser, x_t: Tensor, time: float
                ) -> Prediction:
        """Predict from x_t (N, ...), all at one ``time``.

        With the denoiser bound, this is what samplers call. The times (N,)
        that the denoiser gets are one number in memory, with stride 0.
        """
        t = torch.full((1, ), time, device=x_t.device)
        rows = self.network_time(t).expand(len(x_t))
        return self.prediction(denoiser(x_t, rows), x_t, t)


def check_source(process: DiffusionProcess, sampler: Sampler) -> None:
    """Check that a source may draw the noise that a path ends in.

    Raises:
        ValueError: The process or the sampler is for standard normal noise.
    """
    for part in process, sampler:
        if not part.any_source:
            raise ValueError(
                f'{type(part).__name__} takes standard normal noise alone, '
                'and there is a source of another: take FlowMatching and '
                'a sampler of its ODE, such as EulerSampler.')
