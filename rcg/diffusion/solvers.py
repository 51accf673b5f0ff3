"""Samplers along any path: solvers of its ODE, and of its reverse SDE.

They know a place by its levels, x_t = a x_0 + s eps, and so serve every
process: Gaussian diffusion and flow matching are two speeds and scales of
one path. All end at clean data.
"""
import math
from collections.abc import Iterator

from rcg.diffusion.samplers import Sampler, Schedule
from rcg.registry import TASK_UTILS


class _Solver(Sampler):
    """Base of the solvers.

    Args:
        num_steps: How many steps.
        spacing: 'trailing': evenly in time, from noise alone to one step
            before clean data; 'log_snr': evenly in the log signal-to-noise
            ratio; further ones of :func:`~rcg.diffusion.space_timesteps` for
            a table of timesteps.
        shift: Moves a continuous time towards noise;
            see :meth:`~rcg.diffusion.flow.LinearPath.times`.
    """
    any_source = True

    def __init__(self, num_steps: int = 20, spacing: str = 'log_snr',
                 shift: float = 1.) -> None:
        super().__init__(num_steps, spacing, shift=shift)

    def levels(self, schedule: Schedule
               ) -> Iterator[tuple[float, tuple, float | None, tuple]]:
        """For each step: its time and (signal, noise), and those of the
        next step. After the last step these are None and (1, 0)."""
        times = self.timesteps(schedule)[::-1]
        pairs = schedule.levels(times)
        return zip(times, pairs, [*times[1:], None],
                   [*pairs[1:], (1., 0.)], strict=True)


@TASK_UTILS.register_module()
class EulerSampler(_Solver):
    """Euler's method on the ODE, one denoiser call a step.

    In a flow this is x + (t' - t) v. On any path it moves as if the predicted
    x0 and eps were the true ones, and so is DDIM without noise
    (arXiv:2010.02502), up to spacing.
    """

    def __init__(self, num_steps: int = 50, spacing: str = 'trailing',
                 shift: float = 1.) -> None:
        super().__init__(num_steps, spacing, shift)

    def steps(self, denoise, x, rng, schedule):
        for time, (a, s), _, (next_a, next_s) in self.levels(schedule):
            x0 = denoise(x, time).x0
            x = next_s / s * x + (next_a - a * next_s / s) * x0
            yield x, x0


@TASK_UTILS.register_module()
class DPMSolverSampler(_Solver):
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
            h = math.log(next_a / next_s) - _log(a / s)
            if last is not None:
                line = x0 + h / (2 * last_h) * (x0 - last)
            x = next_s / s * x - next_a * math.expm1(-h) * line
            last, last_h = x0, h
            yield x, x0


def _log(ratio: float) -> float:
    """Of noise alone it is minus infinity: the step from there is Euler's."""
    return math.log(ratio) if ratio else -math.inf


class _Heun(_Solver):
    """Heun's method on dy / du, for a rescaled y = x / c and u = s / c.

    The slope is (y - x0) / u, if the signal level of y is 1 or 1 - u. Two
    denoiser calls a step, except the last: 2 num_steps - 1 in all.
    """

    def scale(self, signal: float, noise: float) -> float:
        """c at some levels."""
        raise NotImplementedError

    def steps(self, denoise, x, rng, schedule):
        for time, (a, s), following, (next_a, next_s) in self.levels(
                schedule):
            x0 = denoise(x, time).x0
            if following is None:
                yield x0, x0
                return
            c, next_c = self.scale(a, s), self.scale(next_a, next_s)
            scaled, u, next_u = x / c, s / c, next_s / next_c
            slope = (scaled - x0) / u
            guess = scaled + (next_u - u) * slope
            other = denoise(next_c * guess, following).x0
            slope = (slope + (guess - other) / next_u) / 2
            x = next_c * (scaled + (next_u - u) * slope)
            yield x, x0


@TASK_UTILS.register_module()
class HeunSampler(_Heun):
    """Heun's method on dx / dsigma, EDM (arXiv:2206.00364 algorithm 1).

    It works with the variance-exploding x and sigma: ours divided by the
    signal level. Two denoiser calls a step, except the last:
    2 num_steps - 1 in all. It cannot start from noise alone, where sigma is
    infinite.
    """

    def scale(self, signal, noise):
        return signal

    def timesteps(self, schedule):
        times = super().timesteps(schedule)
        if schedule.levels(times[-1:])[0][0] == 0:
            raise ValueError(
                'HeunSampler divides by the level of the signal, which is 0 '
                f"where spacing '{self.spacing}' starts; take 'log_snr', or "
                'HeunFlowSampler.')
        return times


@TASK_UTILS.register_module()
class HeunFlowSampler(_Heun):
    """Heun's method on dx / dt of a flow, x_t = (1 - t) x0 + t eps.

    Another path is rescaled to that one: x / (a + s). Two denoiser calls a
    step, except the last: 2 num_steps - 1 in all.
    """

    def __init__(self, num_steps: int = 25, spacing: str = 'trailing',
                 shift: float = 1.) -> None:
        super().__init__(num_steps, spacing, shift)

    def scale(self, signal, noise):
        return signal + noise


# w of the reverse SDE; SiT (arXiv:2401.08740) table 2.
DIFFUSION_COEFFICIENTS = {
    'constant': lambda t: 1.,
    'sigma': lambda t: t,
    'sine': lambda t: math.sin(math.pi * t)**2,
}


@TASK_UTILS.register_module()
class EulerMaruyamaSampler(_Solver):
    """Euler-Maruyama on the reverse SDE of a flow; SiT (arXiv:2401.08740).

    From t to t' < t, with a step d = t - t' and x_t = (1 - t) x0 + t eps:
    x - d (v + w eps / 2 t) + sqrt(w d) z, with standard normal z, for -eps / t
    is the score. Any w >= 0 leaves the marginals as they are. The last step
    adds no noise. Another path is rescaled to that one: x / (a + s). One
    denoiser call a step.

    Args:
        num_steps, spacing, shift: See :class:`EulerSampler`.
        coefficient: w, a function of t: 'sigma' (t), 'sine' (sin^2 pi t) or
            'constant' (1).
        scale: A factor of w; 0 is Euler's method on the ODE.
        last: The last step begins at this t; SiT has .04. None: the spacing
            alone decides.

    Raises:
        ValueError: There is no such coefficient; the scale is negative.
    """
    any_source = False  # the score is that of normal noise

    def __init__(self, num_steps: int = 250, spacing: str = 'trailing',
                 shift: float = 1., coefficient: str = 'sigma',
                 scale: float = 1., last: float | None = None) -> None:
        super().__init__(num_steps, spacing, shift)
        if coefficient not in DIFFUSION_COEFFICIENTS:
            raise ValueError('coefficient must be one of '
                             f'{tuple(DIFFUSION_COEFFICIENTS)}, got '
                             f"'{coefficient}'.")
        if scale < 0:
            raise ValueError(f'scale must not be negative, got {scale}.')
        self.coefficient, self.scale = coefficient, scale
        self.where['last'] = last

    def steps(self, denoise, x, rng, schedule):
        for time, (a, s), following, (next_a, next_s) in self.levels(
                schedule):
            x0 = denoise(x, time).x0
            t, next_t = s / (a + s), next_s / (next_a + next_s)
            step, y = t - next_t, x / (a + s)
            w = self.scale * DIFFUSION_COEFFICIENTS[self.coefficient](t)
            eps = (y - (1 - t) * x0) / t
            y = y - step * (eps - x0) - step * w / (2 * t) * eps
            if following is not None and w > 0:
                y = y + (w * step)**.5 * rng.normal(*y.shape[1:])
            x = (next_a + next_s) * y
            yield x, x0
