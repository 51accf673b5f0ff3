import math

import numpy as np
import pytest
import scipy.linalg
import torch

from rcg.evaluation import frechet_distance


def gaussian(dim, num_samples, seed):
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(dim, dim))
    samples = rng.normal(size=(num_samples, dim)) @ mixing + rng.normal(
        size=dim)
    return (torch.from_numpy(samples.mean(0)),
            torch.from_numpy(np.cov(samples, rowvar=False)))


@pytest.mark.parametrize('dim', [2, 16, 64])
def test_agrees_with_scipy(dim):
    mean1, cov1 = gaussian(dim, 500, 0)
    mean2, cov2 = gaussian(dim, 300, 1)
    root = scipy.linalg.sqrtm(cov1.numpy() @ cov2.numpy())
    wanted = ((mean1 - mean2).square().sum() + cov1.trace() + cov2.trace() -
              2 * np.trace(root).real).item()
    ours = frechet_distance(mean1, cov1, mean2, cov2)
    assert ours == pytest.approx(wanted, rel=1e-9)


def test_closed_form_of_diagonal_covariances():
    # sum of (m1 - m2)^2 + (s1 - s2)^2
    mean1, mean2 = torch.tensor([1., 2.]), torch.tensor([0., 4.])
    distance = frechet_distance(mean1, torch.tensor([4., 9.]).diag(), mean2,
                                torch.tensor([1., 25.]).diag())
    assert distance == pytest.approx(1 + 4 + 1 + 4, rel=1e-12)


def test_closed_form_of_rotated_covariances():
    angle = torch.tensor(.7, dtype=torch.float64)
    turn = torch.tensor([[angle.cos(), -angle.sin()],
                         [angle.sin(), angle.cos()]])
    cov1, cov2 = torch.tensor([4., 1.]).double(), torch.tensor([9., 0.])
    distance = frechet_distance(torch.zeros(2), turn @ cov1.diag() @ turn.T,
                                torch.zeros(2),
                                turn @ cov2.double().diag() @ turn.T)
    assert distance == pytest.approx((3 - 2)**2 + 1, rel=1e-9)


@pytest.mark.parametrize('num_samples', [2, 5, 30, 200])
def test_equal_gaussians_are_at_distance_zero(num_samples):
    mean, cov = gaussian(64, num_samples, 0)
    assert 0 <= frechet_distance(mean, cov, mean, cov) < 1e-8 * cov.trace()


# Dimension, numbers of samples, decades that the standard deviations span:
# covariances of condition 4, 1e6, 1e12, and of ranks below the dimension.
SPECTRA = [(64, 500, 300, 0), (64, 500, 300, 3), (64, 500, 300, 6),
           (64, 40, 500, 0), (64, 40, 30, 3), (256, 100, 120, 2),
           (64, 2, 3, 0)]


@pytest.mark.parametrize('spectrum', SPECTRA)
def test_any_spectrum(spectrum):
    dim, *counts, decades = spectrum
    rng = np.random.default_rng(0)
    scales = np.logspace(0, -decades, dim)
    sets = [(rng.normal(size=(n, dim)) * scales) @ np.linalg.qr(
        rng.normal(size=(dim, dim)))[0] + .1 * rng.normal(size=dim)
            for n in counts]
    (mean1, cov1), (mean2, cov2) = [
        (x.mean(0), np.cov(x, rowvar=False)) for x in sets]
    rest = ((mean1 - mean2)**2).sum() + np.trace(cov1) + np.trace(cov2)
    # tr (C1 C2)^(1/2) is also the sum of the singular values of A B, for any
    # A^T A = C1 and B B^T = C2; the centered samples are such roots.
    a, b = ((x - x.mean(0)) / np.sqrt(len(x) - 1) for x in sets)
    exact = rest - 2 * np.linalg.svd(a @ b.T, compute_uv=False).sum()
    root = scipy.linalg.sqrtm(cov1 @ cov2)
    ours = frechet_distance(*map(torch.from_numpy,
                                 (mean1, cov1, mean2, cov2)))
    assert math.isfinite(ours)
    assert ours == pytest.approx(exact, rel=1e-7)
    assert ours == pytest.approx(rest - 2 * np.trace(root).real, rel=1e-6)


def test_zero_covariance():
    mean = torch.tensor([3., 4.])
    zero = torch.zeros(2, 2)
    assert frechet_distance(mean, zero, torch.zeros(2), zero) == 25
    assert frechet_distance(mean, zero, mean, torch.eye(2)) == 2


def test_is_symmetric():
    one, other = gaussian(8, 50, 0), gaussian(8, 50, 1)
    assert frechet_distance(*one, *other) == pytest.approx(
        frechet_distance(*other, *one), rel=1e-10)


def test_refuses_what_is_no_gaussian():
    mean, cov = gaussian(4, 50, 0)
    with pytest.raises(ValueError, match='NaN'):
        frechet_distance(mean * math.nan, cov, mean, cov)
    with pytest.raises(ValueError, match='same extractor'):
        frechet_distance(mean, cov, *gaussian(5, 50, 0))
