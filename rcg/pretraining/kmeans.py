"""K-means over more representations than fit into memory.

Lloyd's algorithm, a batch of rows in memory at a time. Centroids change after
each pass over all rows, not within it. Images are often stored class by class,
and so their order is of no effect. Letters: N rows, D width, K clusters.
"""
import torch
from torch import Tensor

from rcg.engine.processes.stopping import get_on
from rcg.engine.stored_features import StoredRows
from rcg.models.layers.nearest_centroid import nearest_centroid

# Rows for each centroid among which the first centroids are chosen.
_ROWS_TO_START = 50


def kmeans(rows: Tensor | StoredRows, num_clusters: int, seed: int = 0,
           num_passes: int = 50, batch_size: int = 16384
           ) -> tuple[Tensor, Tensor]:
    """Cluster vectors; ends when no row changes its cluster.

    Args:
        rows (N, D): Finite vectors, such as mapped ones.
        num_clusters: K.
        seed: Of the first centroids: equal seeds give equal clusters.
        num_passes: Most passes over the rows.
        batch_size: Rows at a time; of no effect but for rounding.

    Returns:
        (K, D): Centroids, float32, that of the largest cluster first.
        (K,): Number of rows in each cluster, int64.

    Raises:
        ValueError: There are fewer rows than clusters, or rows hold NaN or
            infinity.
    """
    if not 1 <= num_clusters <= len(rows):
        raise ValueError(f'the number of clusters must be in [1, {len(rows)}],'
                         f' that of representations, got {num_clusters}.')
    centroids, last = _first_centroids(rows, num_clusters, seed), None
    for number in range(num_passes):
        get_on(f'k-means, pass {number + 1} of at most {num_passes}')
        means, counts, clusters = _pass(rows, centroids, batch_size)
        if last is not None and torch.equal(clusters, last):
            break
        centroids, last = means, clusters
    else:
        _, counts, _ = _pass(rows, centroids, batch_size)
    order = counts.argsort(descending=True, stable=True)
    return centroids[order], counts[order]


def _first_centroids(rows: Tensor | StoredRows, num: int, seed: int
                     ) -> Tensor:
    """Random rows, far from each other: k-means++.

    Each is drawn in proportion to its squared distance from those before it
    (Arthur and Vassilvitskii, SODA 2007).
    """
    rng = torch.Generator().manual_seed(seed)
    count = min(len(rows), _ROWS_TO_START * num)
    some = rows[torch.randperm(len(rows), generator=rng)[:count]].float()
    chosen, distances = [], some.new_full((count, ), torch.inf)
    for _ in range(num):
        # Equal for the first one, and if all rows have been chosen.
        weights = distances if chosen and distances.any() else (
            torch.ones(count))
        ends = weights.double().cumsum(0)
        u = torch.rand(1, generator=rng, dtype=torch.double) * ends[-1]
        place = torch.searchsorted(ends, u, right=True).clamp(max=count - 1)
        chosen.append(some[place])
        _, squared = nearest_centroid(some, chosen[-1])
        distances = torch.minimum(distances, squared)
    return torch.cat(chosen)


def _pass(rows: Tensor | StoredRows, centroids: Tensor, batch_size: int
          ) -> tuple[Tensor, Tensor, Tensor]:
    """Means (K, D), counts (K,) and clusters (N,) of rows.

    The mean of a cluster without rows is one of the rows that are farthest
    from their centroids.
    """
    num = len(centroids)
    sums, counts = torch.zeros_like(centroids).double(), 0
    clusters, far, far_rows = [], centroids[:0, 0], centroids[:0]
    for start in range(0, len(rows), batch_size):
        batch = rows[start:start + batch_size].float()
        if not batch.isfinite().all():
            raise ValueError(
                f'representations {start} to {start + len(batch) - 1} hold '
                'NaN or infinity: use another checkpoint of the encoder.')
        numbers, distances = nearest_centroid(batch, centroids)
        sums.index_add_(0, numbers, batch.double())
        counts = counts + numbers.bincount(minlength=num)
        clusters.append(numbers)
        far, best = torch.cat([far, distances]).topk(
            min(num, len(far) + len(batch)))
        far_rows = torch.cat([far_rows, batch])[best]
    means = (sums / counts[:, None]).float()
    empty = counts == 0
    means[empty] = far_rows[:int(empty.sum())]
    return means, counts, torch.cat(clusters)
