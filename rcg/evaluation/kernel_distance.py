"""Kernel Inception Distance: a maximum mean discrepancy of features."""
import numpy as np
import torch
from torch import Tensor


def kernel_distance(fake: Tensor, real: Tensor, num_subsets: int = 100,
                    subset_size: int = 1000,
                    sigma: float | None = None) -> tuple[float, float]:
    """Squared MMD, estimated without bias on random subsets.

    With Inception features and the cubic kernel (x y / D + 1)^3 it is the KID
    (arXiv:1801.01401, eq. 4), on torch-fidelity's subsets. Its expectation
    does not depend on the number of samples; it may be a little below zero.

    Args:
        fake (N, D), real (M, D): Features.
        num_subsets, subset_size: Number of estimates, samples in each set.
        sigma: If given, of a Gaussian kernel in place of the cubic one.

    Returns:
        Mean and standard deviation of the estimates, computed in float64.

    Raises:
        ValueError: A set is smaller than a subset, or a feature not finite.
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
        within = sum(k.sum() - k.diagonal().sum()
                     for k in (_kernel(x, x, sigma), _kernel(y, y, sigma)))
        found.append(within / (size * (size - 1))
                     - 2 * _kernel(x, y, sigma).mean())
    found = torch.stack(found)
    return found.mean().item(), found.std(correction=0).item()


def _kernel(x: Tensor, y: Tensor, sigma: float | None) -> Tensor:
    if sigma is None:
        return (x @ y.T / x.shape[1] + 1)**3
    return (-torch.cdist(x, y).square() / (2 * sigma**2)).exp()
