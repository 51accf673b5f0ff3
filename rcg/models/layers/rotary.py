"""Rotary positions on a square grid or a line (RoPE, arXiv:2104.09864).

Pairs of channels of queries and keys are turned by angles that grow with the
position. A product of two turned vectors depends on how far apart they are,
not on where they are.
"""
import torch
from torch import Tensor


def rotary_table(head_dim: int, grid_size: int,
                 num_unplaced: int = 0) -> Tensor:
    """Cosines and sines (2, K + L, head_dim / 2) of a grid's angles.

    Half of the pairs turns with the row, the other half with the column. The
    frequencies are 10000^(-i / n), i in 0..n-1, in radians per step.

    Args:
        head_dim: Channels of an attention head, a multiple of 4.
        grid_size: Tokens along one side, of L = grid_size^2 in row-major
            order.
        num_unplaced: K, tokens before them that have no place; they are not
            turned.

    Raises:
        ValueError: ``head_dim`` is not a multiple of 4.
    """
    if head_dim % 4:
        raise ValueError('rotary positions want heads of a multiple of 4 '
                         f'channels, got {head_dim}: pairs of channels turn '
                         'with two coordinates; change dim or num_heads.')
    count = head_dim // 4
    steps = torch.arange(count, dtype=torch.float64)
    angles = torch.arange(grid_size).double().outer(10000**(-steps / count))
    rows = angles.repeat_interleave(grid_size, 0)
    angles = torch.cat([rows, angles.repeat(grid_size, 1)], 1)  # (L, d / 2)
    angles = torch.cat([angles.new_zeros(num_unplaced, 2 * count), angles])
    return torch.stack([angles.cos(), angles.sin()]).float()


def rotary_line(head_dim: int, length: int) -> Tensor:
    """Cosines and sines (2, L, head_dim / 2) of the angles of a line.

    All pairs turn with the position, at the frequencies 10000^(-2 i / d), i in
    0..d/2-1, in radians per step.

    Args:
        head_dim: d, channels of an attention head, even.
        length: L.

    Raises:
        ValueError: ``head_dim`` is odd.
    """
    if head_dim % 2:
        raise ValueError('rotary positions want heads of an even number of '
                         f'channels, got {head_dim}: they turn in pairs; '
                         'change dim or num_heads.')
    steps = torch.arange(0, head_dim, 2, dtype=torch.float64)
    angles = torch.arange(length).double().outer(10000**(-steps / head_dim))
    return torch.stack([angles.cos(), angles.sin()]).float()


def rotate(x: Tensor, table: Tensor) -> Tensor:
    """Turn queries or keys (N, H, L, d) by the angles of their tokens.

    Channels i and i + d/2 are a pair.

    Args:
        table (2, L, d/2): Part of a :func:`rotary_table`, or a
            :func:`rotary_line`.

    Returns:
        (N, H, L, d): Of the type of ``x``, computed in float32.
    """
    cos, sin = table
    first, second = x.float().chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin],
                     -1).to(x.dtype)
