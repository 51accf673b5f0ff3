"""What a denoiser predicts (eps, x0 or v), and how x0 follows from it.

On a path x_t = a x0 + s eps, v is the velocity a' x0 + s' eps, where a' and
s' are derivatives by a time in which s' a - a' s = 1. Then x0 = s' x_t - s v.
There are two such paths:

- Gaussian diffusion: a^2 + s^2 = 1, and the time is the angle with cosine a.
  So a' = -s, s' = a and v = a eps - s x0 (arXiv:2202.00512 appendix D).
- Flow matching: a = 1 - t and s = t. So v = eps - x0 (arXiv:2209.03003).
"""
from typing import NamedTuple

from torch import Tensor

PARAMETERIZATIONS = 'eps', 'x0', 'v'


class Levels(NamedTuple):
    """A place on the path; numbers, or tensors that broadcast over the data.

    Attributes:
        signal: a, the factor of x0.
        noise: s, the factor of eps.
        signal_rate: a'.
        noise_rate: s'.
    """
    signal: Tensor
    noise: Tensor
    signal_rate: Tensor | float
    noise_rate: Tensor | float


def check_parameterization(kind: str, name: str = 'parameterization') -> None:
    """Raises:
        ValueError: There is no such parameterization.
    """
    if kind not in PARAMETERIZATIONS:
        raise ValueError(f'{name} must be one of {PARAMETERIZATIONS}, got '
                         f"'{kind}'.")


def training_target(kind: str, x0: Tensor, eps: Tensor, at: Levels) -> Tensor:
    """What a denoiser of the parameterization ``kind`` should return."""
    if kind == 'eps':
        return eps
    return x0 if kind == 'x0' else at.noise_rate * eps + at.signal_rate * x0


def to_x0(kind: str, output: Tensor, x_t: Tensor, at: Levels) -> Tensor:
    """The clean data that a denoiser's output implies."""
    if kind == 'x0':
        return output
    if kind == 'eps':
        return (x_t - at.noise * output) / at.signal
    return at.noise_rate * x_t - at.noise * output
