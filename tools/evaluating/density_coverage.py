"""Density and coverage, a metric of tools/evaluate_images.py.

To name it in a config:
``custom_imports = dict(imports=['evaluating.density_coverage'])``.
"""
import torch
from torch import Tensor

from rcg.evaluation import PrecisionRecall
from rcg.evaluation.neighbors import distance_blocks, kth_neighbor_distance
from rcg.registry import METRICS


def density_coverage(real: Tensor, fake: Tensor,
                     k: int = 5) -> tuple[float, float]:
    """Density and coverage (Naeem et al., arXiv:2002.09797, eq. 5 and 6).

    Balls around the real samples reach to their k-th nearest real neighbor.
    Density is the number of balls that a fake sample lies in, over k (equal
    distributions: about 1; may exceed it); coverage the share of balls that
    hold a fake sample (as many of an equal distribution: about 1 - 2^-k).
    Unlike precision and recall, outliers among the samples raise neither.

    Args:
        real (N, D), fake (M, D): Features.
        k: Neighbors; smaller than N.

    Raises:
        ValueError: A set has too few samples, or a feature is not finite.
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


@METRICS.register_module()
class DensityCoverage(PrecisionRecall):
    """:func:`density_coverage` against a dataset, with k neighbors."""

    def __init__(self, extractor: dict, reference: dict | str, k: int = 5,
                 prefix: str | None = None) -> None:
        super().__init__(extractor, reference, k, prefix)

    def compare(self, real: Tensor, fake: Tensor) -> dict[str, float]:
        density, coverage = density_coverage(real, fake, self.k)
        return {'density': density, 'coverage': coverage}
