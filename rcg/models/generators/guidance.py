"""Classifier-free guidance (arXiv:2207.12598), the same for all generators.

guided = uncond + w (cond - uncond): w = 1 is off. MAGE's published "cfg" is
off at 0, so there w = cfg + 1.
"""
from torch import Tensor


def guide(conditional: Tensor, unconditional: Tensor, scale: float) -> Tensor:
    """Move a prediction away from the unconditional one by ``scale``."""
    return unconditional + scale * (conditional - unconditional)


def linear_scale(scale: float, step: int, num_steps: int) -> float:
    """The scale at a step that grows linearly from 1 (off) to ``scale``,
    which the last step reaches; RCG (arXiv:2312.03701) appendix B."""
    return 1 + (scale - 1) * (step + 1) / num_steps
