"""k-nearest-neighbor precision and recall."""
import torch
from torch import Tensor

from rcg.evaluation.neighbors import distance_blocks, kth_neighbor_distance


def precision_recall(real: Tensor, fake: Tensor,
                     k: int = 3) -> tuple[float, float]:
    """Improved precision and recall (Kynkaanniemi et al., arXiv:1904.06991).

    The manifold of a set is the union of balls around its members that reach
    to their k-th nearest neighbor in the set. Precision is the share of fake
    samples on the real manifold, recall that of real samples on the fake.

    Args:
        real (N, D), fake (M, D): Features.
        k: Neighbors; smaller than N and M.

    Returns:
        Precision and recall, each in [0, 1].

    Raises:
        ValueError: A set has no k neighbors, or a feature is not finite.
    """
    if not 1 <= k < min(len(real), len(fake)):
        raise ValueError(f'k must be from 1 to {min(len(real), len(fake)) - 1}'
                         f' for {len(real)} real and {len(fake)} fake '
                         f'samples, got {k}.')
    return (_share_covered(fake, real, kth_neighbor_distance(real, k)),
            _share_covered(real, fake, kth_neighbor_distance(fake, k)))


def _share_covered(rows: Tensor, centers: Tensor, radii: Tensor) -> float:
    covered = [(distances <= radii).any(1)
               for _, distances in distance_blocks(rows, centers)]
    return torch.cat(covered).double().mean().item()
