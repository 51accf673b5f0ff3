"""Distances to nearest neighbors, and the scores that count them."""
import torch
import torch.nn.functional as F
from torch import Tensor

from rcg.precision import exact_float32

_BLOCK = 1024  # rows at a time: bounds memory to one block of distances


def distance_blocks(rows: Tensor, others: Tensor):
    """Yield the distances (block, M) of some rows to all others.

    They are float64, because float32 is too coarse for near copies.

    Raises:
        ValueError: A number is not finite.
    """
    if not (rows.isfinite().all() and others.isfinite().all()):
        raise ValueError('features hold NaN or infinite values; look for NaN '
                         'in the images and in the extractor.')
    others = others.double()
    for block in rows.split(_BLOCK):
        yield torch.cdist(block.double(), others)


def nearest(rows: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Distance (N,) and place (N,) of the nearest of others (M, D)."""
    found = [distances.min(1) for distances in distance_blocks(rows, others)]
    distances, places = zip(*found, strict=True)
    return torch.cat(distances), torch.cat(places)


def k_nearest(rows: Tensor, others: Tensor, k: int
              ) -> tuple[Tensor, Tensor]:
    """Distances (N, k) and places (N, k) of the k nearest of others (M, D).

    The nearest comes first.

    Raises:
        ValueError: k is out of range, or a number is not finite.
    """
    if not 1 <= k <= len(others):
        raise ValueError(f'k must be from 1 to {len(others)}, the number of '
                         f'images to search, got {k}.')
    found = [distances.topk(k, 1, largest=False)
             for distances in distance_blocks(rows, others)]
    distances, places = zip(*found, strict=True)
    return torch.cat(distances), torch.cat(places)


def near_threshold(train: Tensor, held_out: Tensor,
                   quantile: float = .05) -> Tensor:
    """Distance to train (N, D) below which a sample counts as near.

    So near is the share ``quantile`` of the held-out images (M, D).

    Raises:
        ValueError: All of held_out are in train, or a number is not finite.
    """
    return torch.quantile(_real_distances(train, held_out), quantile)


def _real_distances(train: Tensor, held_out: Tensor) -> Tensor:
    real, _ = nearest(held_out, train)
    if real.mean() == 0:
        raise ValueError('every held-out image is also a training image: '
                         'give two different splits.')
    return real


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
        real (N, D): Features of real images.
        fake (M, D): Features of generated images.
        k: Which neighbor; below N and M.

    Returns:
        Precision and recall, each in [0, 1].

    Raises:
        ValueError: k is too large, or a number is not finite.
    """
    most = min(len(real), len(fake)) - 1
    if not 1 <= k <= most:
        raise ValueError(f'k must be from 1 to {most} for {len(real)} real '
                         f'and {len(fake)} fake samples, got {k}.')
    real_radii = kth_neighbor_distance(real, k)
    fake_radii = kth_neighbor_distance(fake, k)
    precise, recalled = [], torch.zeros_like(real_radii, dtype=torch.bool)
    # One pass over the distances (block, N) between the sets serves both.
    for radii, distances in zip(fake_radii.split(_BLOCK),
                                distance_blocks(fake, real), strict=True):
        precise.append((distances <= real_radii).any(1))
        recalled |= (distances <= radii[:, None]).any(0)
    return tuple(inside.double().mean().item()
                 for inside in (torch.cat(precise), recalled))


def density_coverage(real: Tensor, fake: Tensor,
                     k: int = 5) -> tuple[float, float]:
    """Density and coverage (Naeem et al., arXiv:2002.09797, eq. 5 and 6).

    Balls around the real samples reach to their k-th nearest real neighbor.
    Density is the mean number of balls that a fake sample lies in, over k. It
    is about 1 for equal distributions, and may exceed 1. Coverage is the
    share of balls that hold a fake sample, about 1 - 2^-k for as many samples
    of an equal distribution. Outliers among the samples raise neither, while
    they raise precision or recall.

    Args:
        real (N, D): Features of real images.
        fake (M, D): Features of generated images, M > 0.
        k: Which neighbor; below N.

    Returns:
        Density and coverage.

    Raises:
        ValueError: k is too large, nothing was generated, or a number is not
            finite.
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

    A vote is weighted with the cosine similarity.

    Args:
        rows (N, D): Representations.
        labels (N,): Classes, int64.
        k: Number of neighbors that vote; below N.

    Raises:
        ValueError: k is out of range.
    """
    if not 1 <= k < len(rows):
        raise ValueError(f'k must be in [1, {len(rows) - 1}], got {k}; a row '
                         'does not count as its own neighbor.')
    rows = F.normalize(rows.float(), dim=1)
    hits, num_classes = 0, int(labels.max()) + 1
    for start in range(0, len(rows), _BLOCK):
        with exact_float32(rows.device):
            similarity = rows[start:start + _BLOCK] @ rows.T
        similarity.diagonal(start).fill_(-torch.inf)
        weights, places = similarity.topk(k)
        votes = rows.new_zeros(len(similarity), num_classes)
        votes.scatter_add_(1, labels[places], weights)
        hits += int((votes.argmax(1) == labels[start:start + _BLOCK]).sum())
    return hits / len(rows)


def nearest_train(train: Tensor, held_out: Tensor, fake: Tensor,
                  quantile: float = .05) -> tuple[float, float, Tensor]:
    """Measure whether samples are nearer to training images than they should.

    Samples of a model that has learned the distribution are as far from the
    training images as new real images are. Copies are nearer.

    Args:
        train (N, D): Features of the training images.
        held_out (M, D): Features of other real images.
        fake (L, D): Features of the samples.
        quantile: Of the held-out images' distances, below which a sample
            counts as near.

    Returns:
        share: Of the samples that are near; about ``quantile`` without
            copying.
        ratio: Mean nearest distance of the samples over that of the held-out
            images; about 1 without copying.
        pairs (L, 2): A sample and its nearest training image, the closest
            pair first.

    Raises:
        ValueError: All of held_out are in train, or a number is not finite.
    """
    real = _real_distances(train, held_out)
    ours, places = nearest(fake, train)
    near = ours < torch.quantile(real, quantile)
    order = ours.argsort(stable=True)
    return (near.double().mean().item(), (ours.mean() / real.mean()).item(),
            torch.stack([order, places[order]], 1).cpu())
