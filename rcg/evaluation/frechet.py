"""Frechet distance between two Gaussians."""
import torch
from torch import Tensor


def frechet_distance(mean1: Tensor, cov1: Tensor, mean2: Tensor,
                     cov2: Tensor) -> float:
    """Squared Frechet (2-Wasserstein) distance of two Gaussians.

    FID (arXiv:1706.08500) is this distance between the Gaussians fitted to
    the Inception features of two sets of images:
    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)).

    The last trace is taken as that of (A C2 A)^(1/2) with A = C1^(1/2): a
    symmetric matrix with the same eigenvalues. So nothing becomes complex or
    NaN where a covariance is singular (fewer samples than features), and no
    offset has to be added to it.

    Args:
        mean1, mean2 (D,): Means.
        cov1, cov2 (D, D): Covariances, symmetric.

    Returns:
        The distance, computed in float64; never negative.

    Raises:
        ValueError: Shapes disagree, or a number is NaN or infinite.
    """
    parts = [part.double().cpu() for part in (mean1, cov1, mean2, cov2)]
    dim = len(parts[0])
    wanted = [(dim,), (dim, dim)] * 2
    if [tuple(part.shape) for part in parts] != wanted:
        raise ValueError(
            'frechet_distance needs two means (D,) and covariances (D, D) of '
            f'one D, got {[tuple(part.shape) for part in parts]}: were both '
            'sets of features made by the same extractor?')
    if not all(part.isfinite().all() for part in parts):
        raise ValueError('frechet_distance got NaN or infinite statistics; '
                         'look for NaN in the features.')
    mean1, cov1, mean2, cov2 = parts
    values, vectors = torch.linalg.eigh(cov1)
    root = vectors * _denoise(values).sqrt()  # A = root @ vectors.T
    product = root.T @ cov2 @ root  # similar to A C2 A
    values = _denoise(torch.linalg.eigvalsh((product + product.T) / 2))
    distance = ((mean1 - mean2).square().sum() + cov1.trace() + cov2.trace() -
                2 * values.sqrt().sum())
    return max(distance.item(), 0.)


def _denoise(eigenvalues: Tensor) -> Tensor:
    """Set eigenvalues that are rounding errors of zero to zero.

    A square root would blow an error of 1e-16 up to 1e-8, in every one of
    perhaps two thousand singular directions.
    """
    noise = eigenvalues.abs().max() * len(eigenvalues) * 2.**-52
    return eigenvalues.where(eigenvalues > noise, 0)
