"""Data whose denoiser is known: a Gaussian of two correlated values."""
import torch

from rcg.diffusion import Prediction
from rcg.rng import SampleRng

MEAN = torch.tensor([1.5, -.5], dtype=torch.float64)
COVARIANCE = torch.tensor([[.64, .24], [.24, .25]], dtype=torch.float64)
ONE = torch.eye(2, dtype=torch.float64)


def noise(rows):
    """Streams, and noise (N, 2) in float64 drawn from them."""
    rng = SampleRng.from_seed(0, range(rows))
    return rng, rng.normal(2).double()


def denoise_on(schedule):
    """E[x0 | x_t] of the Gaussian, along the path of a schedule."""
    def denoise(x, time):
        (a, s), = schedule.levels([time])
        gain = a * COVARIANCE @ torch.linalg.inv(
            a**2 * COVARIANCE + s**2 * ONE)
        return Prediction(MEAN + (x - a * MEAN) @ gain.T)

    return denoise


def end_of_flow(start):
    """Where the ODE takes noise (N, 2): mean + root of covariance x noise.

    All covariances along the path share their axes. Along each, values keep
    their distance to the mean in standard deviations.
    """
    variances, axes = torch.linalg.eigh(COVARIANCE)
    return MEAN + start @ axes @ variances.sqrt().diag() @ axes.T


def moments_differ(x, mean=MEAN, covariance=COVARIANCE):
    """Largest differences of mean and covariance of x (N, 2)."""
    return ((x.mean(0) - mean).abs().max().item(),
            (torch.cov(x.T) - covariance).abs().max().item())
