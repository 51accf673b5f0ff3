"""Weights of a squared error, by the level of noise.

At one x_t, an error in x0 is s / a times one in eps, and s times one in v
(see :mod:`rcg.diffusion.parameterization`). So to measure an error in
another quantity than the one predicted is to weight it.
"""
from torch import Tensor

from rcg.diffusion.parameterization import Levels


def min_snr_weight(kind: str, at: Levels, gamma: float) -> Tensor:
    """Min-SNR-gamma (arXiv:2303.09556): min(SNR, gamma) of an error in x0.

    With SNR = a^2 / s^2 that is min(SNR, gamma) / SNR of one in eps. Of one
    in v it is s^2 min(SNR, gamma): for Gaussian diffusion the paper's
    min(SNR, gamma) / (SNR + 1).

    Args:
        kind: What the error is in: the parameterization.
        at: Levels; tensors of any shape.
        gamma: The largest weight of x0; the paper's is 5.
    """
    signal, noise = at.signal.square(), at.noise.square()
    if kind == 'eps':
        return (gamma * noise / signal).clamp(max=1.)
    if kind == 'x0':
        return (signal / noise).clamp(max=gamma)
    return signal.minimum(gamma * noise)


def weight_in(space: str, kind: str, at: Levels, lowest: float) -> Tensor:
    """The weight that makes of a squared error in ``kind`` one in ``space``.

    Args:
        space: 'v' or 'x0'.
        kind: The parameterization; another one.
        at: Levels; tensors of any shape.
        lowest: Levels that are divided by are at least this. JiT
            (arXiv:2511.13720) has .05 for the error in v of a predicted x0.
    """
    signal, noise = (level.clamp(min=lowest) for level in at[:2])
    ratio = {('v', 'x0'): 1 / noise, ('v', 'eps'): 1 / signal,
             ('x0', 'v'): at.noise, ('x0', 'eps'): at.noise / signal}
    return ratio[space, kind].square()


def check_gamma(gamma: float | None) -> None:
    """Raises:
        ValueError: It is not positive.
    """
    if gamma is not None and not gamma > 0:
        raise ValueError(f'min_snr_gamma must be positive, got {gamma}; the '
                         "paper's is 5, and None leaves it out.")
