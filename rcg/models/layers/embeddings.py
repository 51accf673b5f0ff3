"""Fixed sine-cosine embeddings of positions and times.

Frequencies are 10000^(-i / n) for i in 0..n-1, as in arXiv:1706.03762.
"""
import functools
import math

import torch
from torch import Tensor


def _sin_cos(positions: Tensor, dim: int) -> Tensor:  # (M,) -> (M, dim)
    half = dim // 2
    steps = torch.arange(half, dtype=torch.float64)
    angles = positions.double().outer(10000**(-steps / half))
    return torch.cat([angles.sin(), angles.cos()], 1)


def position_table(dim: int, grid_size: int, row_first: bool,
                   class_token: bool = False,
                   dtype: torch.dtype = torch.float32) -> Tensor:
    """Sine-cosine table (grid_size^2 [+ 1], dim) of a square grid, row-major.

    Args:
        dim: Channels, a multiple of 4. One half of them encodes the row, the
            other the column; in each half sines come before cosines.
        grid_size: Tokens along one side.
        row_first: Whether the first half encodes the row (as MoCo v3,
            arXiv:2104.02057) or the column (as MAE, arXiv:2111.06377).
        class_token: Whether to prepend a row of zeros, for a class token.
        dtype: Of the table; it is computed in float64.

    Raises:
        ValueError: ``dim`` is not a multiple of 4.
    """
    if dim % 4:
        raise ValueError(f'dim must be a multiple of 4, got {dim}: sine and '
                         'cosine of two coordinates share the channels.')
    index = torch.arange(grid_size)
    halves = [_sin_cos(index.repeat_interleave(grid_size), dim // 2),  # rows
              _sin_cos(index.repeat(grid_size), dim // 2)]
    table = torch.cat(halves if row_first else halves[::-1], 1).to(dtype)
    if class_token:
        table = torch.cat([table.new_zeros(1, dim), table])
    return table


def timestep_embedding(t: Tensor, dim: int,
                       max_period: float = 10000.) -> Tensor:
    """Sinusoidal features of timesteps, cosines first (arXiv:2006.11239).

    Args:
        t (N,): Timesteps, integers or fractions.
        dim: Channels of the result (N, dim), float32; if odd, the last is 0.
        max_period: Inverse of the lowest frequency, in radians per step.
    """
    angles = t.float()[:, None] * _frequencies(dim // 2, max_period, t.device)
    table = torch.cat([angles.cos(), angles.sin()], 1)
    return torch.nn.functional.pad(table, (0, dim % 2))


# Two functions, since what marks a constant cannot mark an lru_cache.
def _frequencies(*key) -> Tensor:
    return _make_frequencies(*key)


# As torch.compiler.assume_constant_result does, which also imports the
# compiler: a second and more at the start of every command.
_frequencies._dynamo_marked_constant = True


@functools.lru_cache
def _make_frequencies(count: int, max_period: float, device: torch.device):
    # Float32 as in the published code, and on the CPU whatever the device:
    # at t = 999, the last bit of a frequency changes its cosine by 3e-5.
    steps = torch.arange(count, dtype=torch.float32, device='cpu')
    return (-math.log(max_period) * steps / count).exp().to(device)
