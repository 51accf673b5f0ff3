"""What a denoiser predicts (eps, x0 or v), and how x0 follows from it.

With a = sqrt(alphas_cumprod[t]) and s = sqrt(1 - alphas_cumprod[t]):
x_t = a x0 + s eps, and v = a eps - s x0 (arXiv:2202.00512 appendix D).
"""
from torch import Tensor

PARAMETERIZATIONS = 'eps', 'x0', 'v'


def training_target(kind: str, x0: Tensor, eps: Tensor, a: Tensor,
                    s: Tensor) -> Tensor:
    """What a denoiser of the parameterization ``kind`` should return."""
    if kind == 'eps':
        return eps
    return x0 if kind == 'x0' else a * eps - s * x0


def to_x0(kind: str, output: Tensor, x_t: Tensor, a: Tensor,
          s: Tensor) -> Tensor:
    """The clean data that a denoiser's output implies."""
    if kind == 'eps':
        return (x_t - s * output) / a
    return output if kind == 'x0' else a * x_t - s * output
