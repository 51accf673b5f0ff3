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
    """Two-dimensional sine-cosine table of a square grid.

    One half of the channels encodes the column, the other the row; within
    each half sines come before cosines.

    Args:
        dim: Channels, a multiple of 4.
        grid_size: Tokens along one side.
        row_first: Whether the first half encodes the row (MoCo v3,
            arXiv:2104.02057) or the column (MAE, arXiv:2111.06377).
        class_token: Whether a row of zeros comes first.
        dtype: Of the table; it is computed in float64.

    Returns:
        (grid_size^2 [+ 1], dim): In row-major order of tokens.
    """
    if dim % 4:
        raise ValueError(f'dim must be a multiple of 4, got {dim}: sine and '
                         'cosine of two coordinates share the channels.')
    index = torch.arange(grid_size)
    rows = index.repeat_interleave(grid_size)
    columns = index.repeat(grid_size)
    halves = [_sin_cos(x, dim // 2)
              for x in ((rows, columns) if row_first else (columns, rows))]
    table = torch.cat(halves, 1).to(dtype)
    if class_token:
        table = torch.cat([table.new_zeros(1, dim), table])
    return table


def timestep_embedding(t: Tensor, dim: int,
                       max_period: float = 10000.) -> Tensor:
    """Sinusoidal features of timesteps, cosines first (arXiv:2006.11239).

    Args:
        t (N,): Timesteps, whole or fractional.
        dim: Channels; if odd, the last one is zero.
        max_period: Inverse of the lowest frequency, in radians per step.

    Returns:
        (N, dim): float32.
    """
    angles = t.float()[:, None] * _frequencies(dim // 2, max_period, t.device)
    table = torch.cat([angles.cos(), angles.sin()], 1)
    return torch.nn.functional.pad(table, (0, dim % 2))


@functools.lru_cache
def _frequencies(count: int, max_period: float,
                 device: torch.device) -> Tensor:
    """(count,): float32 as in published code, made once, on the CPU: what
    the last bit of one does at t = 999 is 3e-5 in its cosine."""
    steps = torch.arange(count, dtype=torch.float32)
    return (-math.log(max_period) * steps / count).exp().to(device)
