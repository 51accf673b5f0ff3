"""Distances to nearest neighbors, and the scores that count them."""
import torch
import torch.nn.functional as F
from torch import Tensor

_BLOCK = 1024  # rows at a time: bounds memory to one block of distances


def distance_blocks(rows: Tensor, others: Tensor):
    """Yield distances (block, M) to all others; float64, for near copies."""
    if not (rows.isfinite().all() and others.isfinite().all()):
        raise ValueError('features hold NaN or infinite values; look for NaN '
                         'in the images and in the extractor.')
    others = others.double()
    for block in rows.split(_BLOCK):
        yield torch.cdist(block.double(), others)


def nearest(rows: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Distance (N,) and place (N,) of the nearest of others (M, D)."""
    found = [distances.min(1) for distances in distance_blocks(rows, others)]
    return tuple(map(torch.cat, zip(*found, strict=True)))


def kth_neighbor_distance(rows: Tensor, k: int) -> Tensor:
    """(N,): distance of each row to its k-th nearest other row."""
    out = []
    for i, distances in enumerate(distance_blocks(rows, rows)):
        distances.diagonal(i * _BLOCK).fill_(torch.inf)  # not to itself
        out.append(distances.kthvalue(k, dim=1).values)
    return torch.cat(out)


def precision_recall(real: Tensor, fake: Tensor,
                     k: int = 3) -> tuple[float, float]:
    """Improved precision and recall (Kynkaanniemi et al., arXiv:1904.06991).

    The manifold of a set is the union of balls around its members that reach
    to their k-th nearest neighbor in the set. Precision is the share of fake
    samples on the real manifold, recall that of real samples on the fake.

    Args:
        real (N, D), fake (M, D): Finite, N and M above k, or ValueError.
    """
    most = min(len(real), len(fake)) - 1
    if not 1 <= k <= most:
        raise ValueError(f'k must be from 1 to {most} for {len(real)} real '
                         f'and {len(fake)} fake samples, got {k}.')
    return _share_covered(fake, real, k), _share_covered(real, fake, k)


def _share_covered(rows: Tensor, centers: Tensor, k: int) -> float:
    radii = kth_neighbor_distance(centers, k)
    covered = sum(int((distances <= radii).any(1).sum())
                  for distances in distance_blocks(rows, centers))
    return covered / len(rows)


def density_coverage(real: Tensor, fake: Tensor,
                     k: int = 5) -> tuple[float, float]:
    """Density and coverage (Naeem et al., arXiv:2002.09797, eq. 5 and 6).

    Balls around the real samples reach to their k-th nearest real neighbor.
    Density is the number of balls that a fake sample lies in, over k (equal
    distributions: about 1; may exceed it); coverage the share of balls that
    hold a fake sample (as many of an equal distribution: about 1 - 2^-k).
    Unlike precision and recall, outliers among the samples raise neither.

    Args:
        real (N, D), fake (M, D): Finite, N above k, M > 0, or ValueError.
    """
    if not 1 <= k < len(real) or not len(fake):
        raise ValueError(f'k must be from 1 to {len(real) - 1} for '
                         f'{len(real)} real and {len(fake)} (at least 1) fake '
                         f'samples, got {k}.')
    radii = kth_neighbor_distance(real, k)
    inside, closest = 0, torch.full_like(radii, torch.inf)
    for distances in distance_blocks(fake, real):  # (block, N)
        inside += int((distances < radii).sum())
        closest = torch.minimum(closest, distances.min(0).values)
    covered = (closest < radii).double().mean().item()
    return inside / (k * len(fake)), covered


def knn_accuracy(rows: Tensor, labels: Tensor, k: int) -> float:
    """Share in [0, 1] of rows whose k nearest others vote for their class.

    Each votes with its cosine similarity.

    Args:
        rows (N, D), labels (N,): N above k, or ValueError.
    """
    if not 1 <= k < len(rows):
        raise ValueError(f'k must be in [1, {len(rows) - 1}], got {k}; a row '
                         'does not count as its own neighbor.')
    rows = F.normalize(rows.float(), dim=1)
    hits, num_classes = 0, int(labels.max()) + 1
    for start in range(0, len(rows), _BLOCK):
        similarity = rows[start:start + _BLOCK] @ rows.T
        similarity.diagonal(start).fill_(-torch.inf)
        weights, places = similarity.topk(k)
        votes = rows.new_zeros(len(similarity), num_classes)
        votes.scatter_add_(1, labels[places], weights)
        hits += int((votes.argmax(1) == labels[start:start + _BLOCK]).sum())
    return hits / len(rows)


def nearest_train(train: Tensor, held_out: Tensor, fake: Tensor,
                  quantile: float = .05) -> tuple[float, float, Tensor]:
    """Compare the samples' distances to training images with held-out ones'.

    A model that has learned the distribution is as far from its training
    images as new real images are. One that copies is nearer.

    Args:
        train (N, D), held_out (M, D), fake (L, D): Finite, and not all of
            held_out in train, or ValueError.

    Returns:
        Share of the samples that are nearer to a training image than all but
        the nearest ``quantile`` of the held-out images (no copying: about
        ``quantile``); the mean nearest distance of the samples over that of
        the held-out images (no copying: about 1); and pairs (L, 2) of a
        sample and its nearest training image, the closest first.
    """
    real, _ = nearest(held_out, train)
    ours, places = nearest(fake, train)
    if real.mean() == 0:
        raise ValueError('every held-out image is also a training image: '
                         'give NearestTrain two different splits.')
    near = ours < torch.quantile(real, quantile)
    order = ours.argsort(stable=True)
    return (near.double().mean().item(), (ours.mean() / real.mean()).item(),
            torch.stack([order, places[order]], 1).cpu())
