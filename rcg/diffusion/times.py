"""Which times t in (0, 1) a training of a flow looks at, and how often."""
import torch
from torch import Tensor, nn

from rcg.diffusion.schedule_samplers import LossSecondMomentResampler
from rcg.registry import TASK_UTILS
from rcg.rng import SampleRng


def shifted(t, shift: float):
    """s t / (1 + (s - 1) t), SD3 (arXiv:2403.03206) eq. 23.

    The noise that hides data of dimension d is stronger by sqrt(d). So where
    d is larger, s moves times towards noise. RAE (arXiv:2510.11690) has
    s = sqrt(d / 4096).

    Args:
        t: In [0, 1]; a number or a tensor.
        shift: s; 1 changes nothing, and 1 / s undoes s.
    """
    return shift * t / (1 + (shift - 1) * t)


def check_shift(shift: float) -> None:
    """Raises:
        ValueError: The shift is not positive.
    """
    if not shift > 0:
        raise ValueError(f'shift must be positive, got {shift}; 1 is none, '
                         'sqrt(dimension / 4096) is that of RAE.')


class _Times(nn.Module):
    """Base of the fixed distributions of times; all weights are 1.

    Args:
        shift: s of :func:`shifted`.

    Raises:
        ValueError: The shift is not positive.
    """

    def __init__(self, shift: float = 1.) -> None:
        super().__init__()
        check_shift(shift)
        self.shift = shift

    def _unshifted(self, rng: SampleRng) -> Tensor:
        raise NotImplementedError

    def draw(self, rng: SampleRng) -> tuple[Tensor, Tensor | None]:
        """Draw a time for each stream of ``rng``.

        Returns:
            t (N,): In (0, 1), float32.
            weights (N,): Of the losses there; None: all are 1.
        """
        return shifted(self._unshifted(rng), self.shift), None

    def update(self, t: Tensor, losses: Tensor, rng: SampleRng) -> None:
        """Learn from losses (N,) at t (N,): nothing, in this class."""


@TASK_UTILS.register_module()
class UniformTimes(_Times):
    """Evenly, before the shift."""

    def _unshifted(self, rng):
        return rng.uniform()


@TASK_UTILS.register_module()
class LogitNormalTimes(_Times):
    """log(t / (1 - t)) is normal, before the shift; SD3 section 3.1.

    t = 1 is noise alone. JiT (arXiv:2511.13720) counts from noise to data, so
    that its mean of -0.8 is 0.8 here.

    Args:
        mean, std: Of the logit.
        shift: See :func:`shifted`; in the logit it adds log s.

    Raises:
        ValueError: ``std`` or ``shift`` is not positive.
    """

    def __init__(self, mean: float = 0., std: float = 1.,
                 shift: float = 1.) -> None:
        super().__init__(shift)
        if not std > 0:
            raise ValueError(f'std must be positive, got {std}.')
        self.mean, self.std = mean, std

    def _unshifted(self, rng):
        return torch.sigmoid(self.mean + self.std * rng.normal())


@TASK_UTILS.register_module()
class LossAwareTimes(nn.Module):
    """Draws times with large losses more often.

    A :class:`LossSecondMomentResampler` over equal bins of [0, 1] draws the
    bin; within it, times are drawn evenly. The weighted mean of the losses is
    that of :class:`UniformTimes`.

    Args:
        num_bins: How many.
        **resampler: Other arguments of :class:`LossSecondMomentResampler`.

    Raises:
        ValueError: An argument is out of range.
    """

    def __init__(self, num_bins: int = 100, **resampler) -> None:
        super().__init__()
        if num_bins < 1:
            raise ValueError(f'num_bins must be at least 1, got {num_bins}.')
        self.num_bins = num_bins
        self.bins = LossSecondMomentResampler(num_bins, **resampler)

    @torch.no_grad()
    def draw(self, rng: SampleRng) -> tuple[Tensor, Tensor]:
        """Draw a time for each stream of ``rng``.

        Returns:
            t (N,): In (0, 1), float32.
            weights (N,): 1 / (bins times the probability of its bin).
        """
        place, weights = self.bins.draw(rng)
        return (place + rng.uniform()) / self.num_bins, weights

    @torch.no_grad()
    def update(self, t: Tensor, losses: Tensor, rng: SampleRng) -> None:
        """Remember unweighted losses (N,) at the times t (N,)."""
        place = (t * self.num_bins).long().clamp_(max=self.num_bins - 1)
        self.bins.update(place, losses, rng)
