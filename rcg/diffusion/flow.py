"""Flow matching: a straight path from data to noise, and its losses.

Letters: N batch; t time in [0, 1], 0 at clean data and 1 at noise alone.
"""
import math

from torch import Tensor

from rcg.diffusion.parameterization import Levels, training_target
from rcg.diffusion.process import Denoiser, DiffusionProcess
from rcg.diffusion.times import check_shift, shifted
from rcg.diffusion.weighting import check_gamma, min_snr_weight, weight_in
from rcg.registry import TASK_UTILS
from rcg.rng import SampleRng

# Networks embed t x 1000, as they embed the timesteps of 1000.
NUM_TIMESTEPS = 1000
# eps says nothing of x0 where there is no signal; what is divided by.
LEAST_SIGNAL = 1e-3
# Log signal-to-noise ratios of the spacing 'log_snr': what linear betas span.
LOG_SNR = -10.2, 9.2


class LinearPath:
    """x_t = (1 - t) x0 + t eps: what samplers ask of it."""

    def __len__(self) -> int:
        return NUM_TIMESTEPS

    def times(self, num_steps: int, spacing: str, offset: int = 0,
              shift: float = 1., last: float | None = None) -> list[float]:
        """Ascending times in (0, 1] that a sampler visits.

        Args:
            num_steps: How many, at least 1.
            spacing: 'trailing': 1 / num_steps, 2 / num_steps, ..., 1.
                'log_snr': evenly in log((1 - t)^2 / t^2), between the ends of
                linear betas; at least 2.
            offset: Of a table alone.
            shift: s of :func:`~rcg.diffusion.times.shifted`, of 'trailing'.
            last: The lowest time, in (0, 1), of 'trailing'; None: one step
                above 0.

        Raises:
            ValueError: The times cannot be spaced like that.
        """
        check_shift(shift)
        self._check(num_steps, spacing, offset, shift, last)
        if spacing == 'log_snr':
            noisiest, cleanest = LOG_SNR
            step = (noisiest - cleanest) / (num_steps - 1)
            return [1 / (1 + math.exp((cleanest + i * step) / 2))
                    for i in range(num_steps)]
        first = 1 / num_steps if last is None else shifted(last, 1 / shift)
        width = (1 - first) / max(num_steps - 1, 1)
        return [shifted(1 - i * width, shift)
                for i in reversed(range(num_steps))]

    @staticmethod
    def _check(num_steps: int, spacing: str, offset: int, shift: float,
               last: float | None) -> None:
        if spacing not in ('trailing', 'log_snr'):
            raise ValueError("the spacing of a flow must be 'trailing' or "
                             f"'log_snr', got '{spacing}'.")
        if offset:
            raise ValueError('a flow has no table of timesteps to offset, '
                             f'got offset {offset}; take 0.')
        if last is not None and not 0 < last < 1:
            raise ValueError(f'last must be in (0, 1), got {last}; it is the '
                             't at which the last step begins.')
        if spacing == 'log_snr' and (shift != 1 or last is not None):
            raise ValueError("spacing 'log_snr' has its own ends, got shift="
                             f"{shift} and last={last}; take 'trailing'.")
        least = 2 if spacing == 'log_snr' else 1
        if num_steps < least:
            raise ValueError(f"num_steps must be at least {least} for spacing "
                             f"'{spacing}', got {num_steps}.")

    def levels(self, times: list[float]) -> list[tuple[float, float]]:
        """(signal, noise) at each of some times."""
        return [(1 - t, t) for t in times]

    def progress(self, time: float) -> float:
        """That of the timestep, out of 1000, which lies at this time.

        So it is above 0 at noise alone, where a step still has to be done.
        """
        return 1 - time * (NUM_TIMESTEPS - 1) / NUM_TIMESTEPS


@TASK_UTILS.register_module()
class FlowMatching(DiffusionProcess):
    """Flow matching along straight lines (arXiv:2210.02747, 2209.03003).

    It takes the place of :class:`GaussianDiffusion`: any network, guidance
    and sampler for continuous time goes with it. Variances are not learned.
    The signal-to-noise ratio is (1 - t)^2 / t^2. Noise may be of any
    distribution.

    Args:
        parameterization: What the denoiser predicts: 'v' (the velocity
            eps - x0), 'x0' or 'eps'. 'eps' says nothing of x0 at t = 1, so
            sample it by spacing 'log_snr', which starts below.
        times: Config of what draws t in training: :class:`UniformTimes`
            (None), :class:`LogitNormalTimes` or :class:`LossAwareTimes`.
        loss_space: In what the error is measured, 'v' or 'x0'; None: in what
            is predicted. JiT (arXiv:2511.13720) predicts x0 and measures v.
        lowest: If the two differ: the levels that an error is divided by are
            at least this.
        min_snr_gamma: Weights the error of what is predicted by
            :func:`~rcg.diffusion.weighting.min_snr_weight`; None: it does
            not.
        clip: In sampling, predicted clean data are clipped to [-clip, clip]
            (1 for pixels); None: they are not.

    Raises:
        ValueError: There is no such parameterization or loss; ``lowest`` or
            ``min_snr_gamma`` is not positive, or two weights are asked for.
    """
    any_source = True

    def __init__(self, parameterization: str = 'v',
                 times: dict | None = None, loss_space: str | None = None,
                 lowest: float = .05, min_snr_gamma: float | None = None,
                 clip: float | None = None) -> None:
        super().__init__(parameterization, clip)
        if loss_space == parameterization:
            loss_space = None
        if loss_space not in (None, 'v', 'x0'):
            raise ValueError("loss_space must be 'v', 'x0' or None, got "
                             f"'{loss_space}'.")
        check_gamma(min_snr_gamma)
        if loss_space is not None and min_snr_gamma is not None:
            raise ValueError(
                'min_snr_gamma weights the error of what is predicted, '
                f"'{parameterization}', got loss_space='{loss_space}', too; "
                'leave one of them out.')
        if not 0 < lowest < 1:
            raise ValueError(f'lowest must be in (0, 1), got {lowest}.')
        self.loss_space, self.lowest = loss_space, lowest
        self.min_snr_gamma = min_snr_gamma
        self.schedule = LinearPath()
        if times is not None:
            self.schedule_sampler = TASK_UTILS.build(times)

    def network_time(self, t: Tensor) -> Tensor:
        return NUM_TIMESTEPS * t

    def levels_at(self, t: Tensor, ndim: int) -> Levels:
        t = t.view((-1, ) + (1, ) * (ndim - 1))
        return Levels((1 - t).clamp(min=LEAST_SIGNAL), t, -1., 1.)

    def _even_times(self, rng: SampleRng) -> Tensor:
        return rng.uniform()

    def losses_at(self, t: Tensor, denoiser: Denoiser, x0: Tensor,
                  eps: Tensor) -> dict[str, Tensor]:
        """Losses (N,) at the times t (N,) in (0, 1).

        ``loss_diffusion`` is the mean squared error, weighted as the
        arguments say.
        """
        at = self.levels_at(t, x0.ndim)
        x_t = at.signal * x0 + at.noise * eps
        output = denoiser(x_t, self.network_time(t)).float()
        target = training_target(self.parameterization, x0, eps, at)
        error = (output - target).square().flatten(1).mean(1)  # (N,)
        at = self.levels_at(t, 1)  # (N,)
        if self.loss_space is not None:
            error = error * weight_in(self.loss_space, self.parameterization,
                                      at, self.lowest)
        if self.min_snr_gamma is not None:
            error = error * min_snr_weight(self.parameterization, at,
                                           self.min_snr_gamma)
        return dict(loss_diffusion=error)
