"""Dropout whose masks cost little on a CPU."""
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rcg.models.layers.plain import has_own_ways

_BITS = 16  # random bits for each number of a mask
# Below this size, PyTorch's masks take no longer.
_SMALL = 2**14


def dropout(x: Tensor, p: float) -> Tensor:
    """Set numbers to 0 with probability ``p``, and divide the others by 1 - p.

    On a CPU, PyTorch's dropout spends most of its time on drawing random
    numbers, one after the other. Here 16 random bits decide on each number,
    and all takes a third of the time. So ``p`` is rounded to a multiple of
    2^-16. The division is by 1 minus that, and the expectation stays exact.

    Masks depend on PyTorch's global generator alone, as usual: seeds give the
    same ones, and recomputation repeats them. Small tensors, other devices,
    compiled code and :func:`~rcg.models.layers.plain.plain_layers` get
    PyTorch's masks.

    Args:
        x: Of any shape and floating point type.
        p: In [0, 1].

    Returns:
        The same shape, type and memory layout as ``x``.
    """
    dropped = round(p * 2**_BITS)
    if (not has_own_ways(x.device) or x.numel() < _SMALL
            or not 0 < dropped < 2**_BITS):
        return F.dropout(x, p)
    scale = 2**_BITS / (2**_BITS - dropped)
    noise = torch.empty_like(x)  # dense
    flat = noise.as_strided((noise.numel(), ), (1, ))
    torch.ge(_random_int16(x.numel()), dropped - 2**(_BITS - 1), out=flat)
    return x * noise.mul_(scale)


def _random_int16(count: int) -> Tensor:
    """Uniform integers (count,) of 16 bits."""
    # PyTorch's generator seeds another one, which is several times as fast.
    seed = torch.empty(2, dtype=torch.int64).random_(-2**63, None)
    words = np.random.SFC64(seed.numpy().view(np.uint64)).random_raw(
        -(-count * _BITS // 64))
    return torch.from_numpy(words.view(np.int16))[:count]


class Dropout(nn.Dropout):
    """:func:`dropout` in training, nothing in evaluation."""

    def forward(self, x: Tensor) -> Tensor:
        return dropout(x, self.p) if self.training and self.p else x
