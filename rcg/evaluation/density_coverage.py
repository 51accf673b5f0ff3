"""Density and coverage."""
import torch
from torch import Tensor

from rcg.evaluation.neighbors import distance_blocks, kth_neighbor_distance


def density_coverage(real: Tensor, fake: Tensor,
                     k: int = 5) -> tuple[float, float]:
    """Density and coverage (Naeem et al., arXiv:2002.09797, eq. 5 and 6).

    Balls around the real samples reach to their k-th nearest real neighbor.
    Density is the number of balls that a fake sample lies in, over k;
    coverage the share of balls that hold a fake sample. Unlike precision and
    recall, neither can be raised by outliers among the fake samples.

    Args:
        real (N, D), fake (M, D): Features.
        k: Neighbors; smaller than N.

    Returns:
        Density (equal distributions: about 1; may exceed it) and coverage in
        [0, 1] (equal distributions of equal size: about 1 - 2^-k).

    Raises:
        ValueError: A set has too few samples, or a feature is not finite.
    """
    if not 1 <= k < len(real) or not len(fake):
        raise ValueError(f'k must be from 1 to {len(real) - 1} for '
                         f'{len(real)} real and {len(fake)} (at least 1) fake '
                         f'samples, got {k}.')
    radii = kth_neighbor_distance(real, k)
    inside, nearest = 0, torch.full_like(radii, torch.inf)
    for _, distances in distance_blocks(fake, real):  # (block, N)
        inside += int((distances < radii).sum())
        nearest = torch.minimum(nearest, distances.min(0).values)
    return (inside / (k * len(fake)),
            (nearest < radii).double().mean().item())
