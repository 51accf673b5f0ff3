"""Frechet distance between two Gaussians, and its derivative."""
import torch
from torch import Tensor


def frechet_distance(mean1: Tensor, cov1: Tensor, mean2: Tensor,
                     cov2: Tensor) -> float:
    """Squared Frechet (2-Wasserstein) distance of two Gaussians.

    FID (arXiv:1706.08500) is this distance between the Gaussians fitted to
    the Inception features of two sets of images:
    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)). The last trace is taken as
    that of (A C2 A)^(1/2) with A = C1^(1/2), a symmetric matrix with the same
    eigenvalues. So nothing becomes complex or NaN where a covariance is
    singular (fewer samples than features), and needs no offset.

    Args:
        mean1, mean2 (D,): Means.
        cov1, cov2 (D, D): Covariances, symmetric.

    Returns:
        The distance, computed in float64; never negative.

    Raises:
        ValueError: Shapes disagree, or a number is NaN or infinite.
    """
    parts = [part.double().cpu() for part in (mean1, cov1, mean2, cov2)]
    mean1, cov1, mean2, cov2 = parts
    dim = len(mean1)
    if [tuple(part.shape) for part in parts] != [(dim,), (dim, dim)] * 2:
        raise ValueError(
            'frechet_distance needs two means (D,) and covariances (D, D) of '
            f'one D, got {[tuple(part.shape) for part in parts]}: were both '
            'sets of features made by the same extractor?')
    if not all(part.isfinite().all() for part in parts):
        raise ValueError('frechet_distance got NaN or infinite statistics; '
                         'look for NaN in the features.')
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


def frechet_influence(rows: Tensor, mean: Tensor, cov: Tensor) -> Tensor:
    """Derivative (N,) of the Frechet distance by the weight of each row.

    With y = x - m1 of a row x it is 2 y (m1 - mean) + y (I - T) y, less its
    average, where T = C1^(-1/2) (C1^(1/2) cov C1^(1/2))^(1/2) C1^(-1/2) maps
    the rows' Gaussian to the reference's. Where C1 is singular (fewer rows
    than features), all rows lie in the space where it is not. In float64.

    Args:
        rows (N, D): Features of the samples.
        mean (D,), cov (D, D): Of the reference.
    """
    rows, mean, cov = (part.double().cpu() for part in (rows, mean, cov))
    center = rows.mean(0)
    rows = rows - center
    values, vectors = torch.linalg.eigh(rows.T @ rows / (len(rows) - 1))
    kept = _denoise(values) > 0
    values, vectors = values[kept], vectors[:, kept]
    root = vectors * values.sqrt()
    inner, axes = torch.linalg.eigh(root.T @ cov @ root)
    moved = rows @ (vectors / values.sqrt()) @ axes
    influence = (2 * rows @ (center - mean) + rows.square().sum(1)
                 - moved.square() @ inner.clamp(min=0).sqrt())
    return influence - influence.mean()
