"""Samplers on problems whose solution is known."""
import pytest
import torch

from rcg.diffusion import (
    DDIMSampler,
    DDPMSampler,
    DPMSolverSampler,
    GaussianDiffusion,
    HeunSampler,
    Prediction,
)
from rcg.rng import SampleRng

SCHEDULE = GaussianDiffusion('x0').schedule
CLEAN = dict(to_clean=True, offset=0)


@pytest.mark.parametrize('sampler', [
    DDIMSampler(20, eta=0), DDIMSampler(20, eta=1, **CLEAN),
    DDPMSampler(20), DDPMSampler(20, 'uniform'), DPMSolverSampler(20),
    HeunSampler(20)])
def test_samplers_find_the_one_point_of_the_data(sampler):
    """If all data are x0, the exact denoiser is known, and so the sample."""
    x0 = torch.tensor([[1., -2., .5]]).repeat(4, 1)
    rng = SampleRng.from_seed(2, range(4))
    sample = sampler(lambda x, t: Prediction(x0), rng.normal(3), rng,
                     SCHEDULE)
    # DDIM as published ends at the marginal of timestep 0, not at x0.
    torch.testing.assert_close(sample, x0, rtol=0, atol=.05)


def exact(mean, std):
    """The denoiser of data N(mean, std^2) is linear."""
    def denoise(x, time):
        alpha = SCHEDULE.alphas_cumprod[time].item()
        gain = alpha**.5 * std**2 / (alpha * std**2 + 1 - alpha)
        return Prediction(mean + gain * (x - alpha**.5 * mean))

    return denoise


@pytest.mark.parametrize('sampler', [
    DDIMSampler(250, eta=1, **CLEAN), DDPMSampler(250),
    DPMSolverSampler(20), HeunSampler(30)])
def test_samplers_reach_a_gaussian(sampler):
    """The distribution of the samples is known."""
    rng = SampleRng.from_seed(3, range(4000))
    x = sampler(exact(1.5, .5), rng.normal(1), rng, SCHEDULE)
    assert x.mean() == pytest.approx(1.5, abs=.03)
    assert x.std() == pytest.approx(.5, abs=.03)


def test_second_order_needs_fewer_steps():
    """The flow of a Gaussian is known; solvers err less than DDIM."""
    rng = SampleRng.from_seed(0, range(200))
    start, mean, std = rng.normal(1), 1.5, .5
    alpha = SCHEDULE.alphas_cumprod[-1].item()
    spread = (alpha * std**2 + 1 - alpha)**.5
    want = mean + std * (start - alpha**.5 * mean) / spread

    def error(sampler):
        got = sampler(exact(mean, std), start, rng, SCHEDULE)
        return (got - want).abs().mean().item()

    first = error(DDIMSampler(19, eta=0, spacing='rounded', **CLEAN))
    assert error(DPMSolverSampler(19)) < first / 5
    first = error(DDIMSampler(59, eta=0, spacing='rounded', **CLEAN))
    assert error(HeunSampler(30)) < first / 2  # 59 calls, too


@pytest.mark.parametrize(('sampler', 'calls'), [
    (DDIMSampler(7, eta=0, spacing='rounded', offset=0), 7),
    (DDPMSampler(7), 7), (DPMSolverSampler(7), 7), (HeunSampler(7), 13)])
def test_number_of_calls(sampler, calls):
    seen, rng = [], SampleRng.from_seed(0, range(1))

    def denoise(x, time):
        seen.append(time)
        return Prediction(x)

    steps = list(sampler.steps(denoise, rng.normal(1), rng, SCHEDULE))
    assert len(seen) == calls
    assert len(steps) == 7


@pytest.mark.parametrize('sampler', [
    DDIMSampler(10, eta=0), DPMSolverSampler(10), HeunSampler(10)])
def test_without_noise_a_sampler_repeats_and_uses_no_stream(sampler):
    start = SampleRng.from_seed(0, range(3)).normal(2)
    rng = SampleRng.from_seed(0, range(3))
    one, two = (sampler(lambda x, t: Prediction(x * .5), start, rng, SCHEDULE)
                for _ in range(2))
    assert torch.equal(one, two)
    assert rng.num_draws == 0


def test_ddim_as_published_is_shifted_and_ends_before_clean_data():
    table = DDIMSampler(num_steps=4).coefficients(SCHEDULE)
    kept = SCHEDULE.alphas_cumprod.float().double()
    assert table['timesteps'].tolist() == [1, 251, 501, 751]
    assert torch.equal(table['alphas_prev'], kept[[0, 1, 251, 501]])
    assert table['sigmas'][0] > 0
    clean = DDIMSampler(num_steps=4, to_clean=True).coefficients(SCHEDULE)
    assert clean['alphas_prev'][0] == 1
    assert clean['sigmas'][0] == 0


def test_steps_run_from_high_to_low_noise():
    seen, rng = [], SampleRng.from_seed(0, range(1))

    def denoise(x, time):
        seen.append(time)
        return Prediction(x)

    DDPMSampler(5)(denoise, rng.normal(1), rng, SCHEDULE)
    assert seen == [999, 749, 500, 250, 0]


@pytest.mark.parametrize(('fraction', 'table'), [
    (-1., 'posterior_variance'), (1., 'betas')])
def test_learned_variance_spans_its_range(fraction, table):
    """x0 and the mean are 0, so what a step returns is its noise."""
    rng = SampleRng.from_seed(0, range(20000))
    zero = torch.zeros(len(rng), 1)
    sampler = DDPMSampler(4)
    short = SCHEDULE.respaced(sampler.timesteps(SCHEDULE))
    x, _ = next(sampler.steps(
        lambda x, t: Prediction(zero, torch.full_like(x, fraction)),
        zero, rng, SCHEDULE))
    assert x.var() == pytest.approx(getattr(short, table)[-1].item(),
                                    rel=.03)


def test_bad_eta():
    with pytest.raises(ValueError, match='eta'):
        DDIMSampler(10, eta=-1)
