"""Distances to the nearest of a set of features, in blocks."""
import torch
from torch import Tensor

_BLOCK = 1024  # rows at a time: bounds memory to one block of distances


def distance_blocks(rows: Tensor, others: Tensor):
    """Yield (start, distances (block, M)) of the rows to all others.

    In float64, since a difference of squares would lose the small distances
    (of near copies) in float32.
    """
    if not (rows.isfinite().all() and others.isfinite().all()):
        raise ValueError('features hold NaN or infinite values; look for NaN '
                         'in the images and in the extractor.')
    others = others.double()
    for start in range(0, len(rows), _BLOCK):
        yield start, torch.cdist(rows[start:start + _BLOCK].double(), others)


def nearest(rows: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Distance (N,) and place (N,) of the nearest of others (M, D)."""
    found = [distances.min(1)
             for _, distances in distance_blocks(rows, others)]
    return tuple(map(torch.cat, zip(*found, strict=True)))


def kth_neighbor_distance(rows: Tensor, k: int) -> Tensor:
    """(N,): distance of each row to its k-th nearest other row."""
    out = []
    for start, distances in distance_blocks(rows, rows):
        block = torch.arange(len(distances), device=distances.device)
        distances[block, start + block] = torch.inf  # not to itself
        out.append(distances.kthvalue(k, dim=1).values)
    return torch.cat(out)
