"""Distances between distributions of features: Frechet and kernel."""
import numpy as np
import torch
from torch import Tensor


def frechet_distance(mean1: Tensor, cov1: Tensor, mean2: Tensor,
                     cov2: Tensor) -> float:
    """Squared Frechet (2-Wasserstein) distance of two Gaussians.

    FID (arXiv:1706.08500) is this distance between the Gaussians fitted to
    the Inception features of two sets of images:
    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)). The last trace is computed as
    that of (A C2 A)^(1/2) with A = C1^(1/2), which is symmetric and has the
    same eigenvalues. So a singular covariance (fewer samples than features)
    gives no complex numbers and no NaN, and needs no offset.

    Args:
        mean1 (D,): Mean of one set.
        cov1 (D, D): Its covariance.
        mean2 (D,): Mean of the other set.
        cov2 (D, D): Its covariance.

    Raises:
        ValueError: Shapes do not fit, or a number is not finite.
    """
    parts = [part.double().cpu() for part in (mean1, cov1, mean2, cov2)]
    mean1, cov1, mean2, cov2 = parts
    dim, shapes = len(mean1), [tuple(part.shape) for part in parts]
    if shapes != [(dim,), (dim, dim), (dim,), (dim, dim)]:
        raise ValueError(
            'frechet_distance needs two means (D,) and covariances (D, D) of '
            f'one D, got {shapes}: were both sets of features made by the '
            'same extractor?')
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
    """Replace rounding errors of zero by zero.

    Their square roots would not be small, and there are many.
    """
    noise = eigenvalues.abs().max() * len(eigenvalues) * 2.**-52
    return eigenvalues.where(eigenvalues > noise, 0)


def frechet_influence(rows: Tensor, mean: Tensor, cov: Tensor) -> Tensor:
    """Derivative of the Frechet distance by the weight of each row.

    With y = x - m1 of a row x it is 2 y (m1 - mean) + y (I - T) y, less its
    average over the rows. T = C1^(-1/2) (C1^(1/2) cov C1^(1/2))^(1/2)
    C1^(-1/2) maps the Gaussian of the rows to that of the reference. If C1 is
    singular (fewer rows than features), all rows lie in a subspace in which
    it is not, and the formula holds there.

    Args:
        rows (N, D): Features of the samples.
        mean (D,): Mean of the reference.
        cov (D, D): Covariance of the reference.

    Returns:
        (N,): float64, on the CPU; its mean is 0.
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


def kernel_distance(fake: Tensor, real: Tensor, num_subsets: int = 100,
                    subset_size: int = 1000,
                    sigma: float | None = None) -> tuple[float, float]:
    """Unbiased squared MMD on random subsets.

    With Inception features and the cubic kernel (x y / D + 1)^3 it is the KID
    (arXiv:1801.01401, eq. 4), on torch-fidelity's subsets. Its expectation
    does not depend on the number of samples; it may be a little below zero.

    Args:
        fake (N, D): Features of generated images.
        real (M, D): Features of real images.
        num_subsets: How many random subsets of each set are compared.
        subset_size: Rows of a subset, at most N and M.
        sigma: Of a Gaussian kernel; None takes the cubic one.

    Returns:
        Mean and standard deviation over the subsets.

    Raises:
        ValueError: There are too few rows, or a number is not finite.
    """
    size, most = subset_size, min(len(fake), len(real))
    if not 2 <= size <= most:
        raise ValueError(
            f'subset_size must be from 2 to {most} for {len(fake)} generated '
            f'and {len(real)} real samples, got {size}; scores with other '
            'subset sizes have another spread.')
    if not (fake.isfinite().all() and real.isfinite().all()):
        raise ValueError('kernel_distance got NaN or infinite features; look '
                         'for NaN in the images and in the extractor.')
    rng, found = np.random.RandomState(2020), []
    for _ in range(num_subsets):
        x, y = (rows[torch.from_numpy(rng.choice(len(rows), size, False))
                     .to(rows.device)].double() for rows in (fake, real))
        found.append(_squared_mmd(x, y, sigma))
    found = torch.stack(found)
    return found.mean().item(), found.std(correction=0).item()


def _squared_mmd(x: Tensor, y: Tensor, sigma: float | None) -> Tensor:
    """Unbiased squared MMD of two sets (n, D) of one size n."""
    size = len(x)
    within = sum(k.sum() - k.diagonal().sum()
                 for k in (_kernel(x, x, sigma), _kernel(y, y, sigma)))
    return within / (size * (size - 1)) - 2 * _kernel(x, y, sigma).mean()


def _kernel(x: Tensor, y: Tensor, sigma: float | None) -> Tensor:
    if sigma is None:
        return (x @ y.T / x.shape[1] + 1)**3
    return (-torch.cdist(x, y).square() / (2 * sigma**2)).exp()
