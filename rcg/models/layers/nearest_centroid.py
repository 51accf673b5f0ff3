"""Clusters of representations: the nearest one, one drawn by its size."""
import torch
from torch import Tensor

from rcg.precision import exact_float32
from rcg.rng import SampleRng

# Distances of a chunk take 64 MB.
_MOST = 2**24


@torch.no_grad()
def nearest_centroid(rows: Tensor, centroids: Tensor) -> tuple[Tensor, Tensor]:
    """Find the centroid nearest to each row.

    Of several equally near ones it is the first. Distances are exact float32:
    with less precision neighbors would tie.

    Args:
        rows (N, D): Vectors.
        centroids (K, D): On the same device.

    Returns:
        (N,): Numbers of the centroids, int64 in [0, K).
        (N,): Squared distances, float32, at least 0.

    Raises:
        ValueError: Rows and centroids are not equally wide.
    """
    if rows.shape[-1] != centroids.shape[-1]:
        raise ValueError(
            f'the clusters are of representations of {centroids.shape[-1]} '
            f'values, got {rows.shape[-1]}; cluster those of the encoder '
            'that is in use.')
    with exact_float32(rows.device):
        centroids = centroids.float()
        norms = centroids.square().sum(1)  # (K,)
        numbers, distances = [], []
        for chunk in rows.split(max(1, _MOST // len(centroids))):
            chunk = chunk.float()
            # |x|^2 is the same for all centroids: it is added afterwards.
            table = torch.addmm(norms, chunk, centroids.T, alpha=-2)
            least, number = table.min(1)
            numbers.append(number)
            distances.append(least + chunk.square().sum(1))
    return torch.cat(numbers), torch.cat(distances).clamp_(min=0)


@torch.no_grad()
def draw_by_counts(counts: Tensor, rng: SampleRng) -> Tensor:
    """Draw numbers (N,), int64 in [0, K), each as often as its count says.

    Args:
        counts (K,): How often, relative to each other; int64, with a sum
            below 2^31. Integers, so that it is exact for any of them.
        rng: N random streams.
    """
    ends = counts.cumsum(0)
    return torch.searchsorted(ends, rng.randint(ends[-1]), right=True)
