"""Closed forms of the diffusion core, for every parameterization."""
import pytest
import torch

from rcg.diffusion import DDIMSampler, DDPMSampler, GaussianDiffusion
from rcg.diffusion.parameterization import training_target
from rcg.rng import SampleRng

KINDS = 'eps', 'x0', 'v'


def batch(n=5, dim=3):
    rng = SampleRng.from_seed(0, range(n))
    return rng.normal(dim), rng.normal(dim), rng.randint(1000)


@pytest.mark.parametrize('kind', KINDS)
def test_the_true_target_gives_back_x0(kind):
    diffusion = GaussianDiffusion(kind)
    x0, eps, t = batch()
    x_t = diffusion.add_noise(x0, t, eps)
    a, s = diffusion.signal[t, None], diffusion.noise[t, None]
    torch.testing.assert_close(a**2 + s**2, torch.ones(5, 1))
    target = training_target(kind, x0, eps, a, s)
    torch.testing.assert_close(diffusion.predict_x0(target, x_t, t), x0,
                               rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize('kind', KINDS)
def test_a_perfect_denoiser_has_no_loss(kind):
    diffusion = GaussianDiffusion(kind, 'cosine')
    x0 = batch()[0]

    def perfect(x_t, t):
        a, s = diffusion.signal[t, None], diffusion.noise[t, None]
        return training_target(kind, x0, (x_t - a * x0) / s, a, s)

    rng = SampleRng.from_seed(1, range(5))
    assert diffusion.loss(perfect, x0, rng)['loss_diffusion'] < 1e-6


@pytest.mark.parametrize('sampler', [
    DDIMSampler(20, eta=0), DDIMSampler(20, eta=1, to_clean=True, offset=0),
    DDPMSampler(20), DDPMSampler(20, 'uniform')])
def test_samplers_find_the_one_point_of_the_data(sampler):
    """If all data are x0, the exact denoiser is known, and so the sample."""
    diffusion = GaussianDiffusion('x0')
    x0 = torch.tensor([[1., -2., .5]]).repeat(4, 1)
    rng = SampleRng.from_seed(2, range(4))
    sample = sampler(lambda x, t: x0, rng.normal(3), rng, diffusion.schedule)
    # DDIM as published ends at the marginal of timestep 0, not at x0.
    torch.testing.assert_close(sample, x0, rtol=0, atol=.05)


@pytest.mark.parametrize('sampler', [
    DDIMSampler(250, eta=1, to_clean=True, offset=0), DDPMSampler(250)])
def test_samplers_reach_a_gaussian(sampler):
    """For data N(m, c^2) the exact denoiser is linear; so the law of the
    samples is known."""
    mean, std = 1.5, .5
    schedule = GaussianDiffusion('x0').schedule

    def exact(x, t):
        alpha = schedule.alphas_cumprod[t[0]].item()
        gain = alpha**.5 * std**2 / (alpha * std**2 + 1 - alpha)
        return mean + gain * (x - alpha**.5 * mean)

    rng = SampleRng.from_seed(3, range(4000))
    x = sampler(exact, rng.normal(1), rng, schedule)
    assert x.mean() == pytest.approx(mean, abs=.03)
    assert x.std() == pytest.approx(std, abs=.03)


def test_ddim_without_noise_repeats_and_uses_no_stream():
    schedule = GaussianDiffusion('x0').schedule
    start = SampleRng.from_seed(0, range(3)).normal(2)
    rng = SampleRng.from_seed(0, range(3))
    sampler = DDIMSampler(10, eta=0)
    one = sampler(lambda x, t: x * .5, start, rng, schedule)
    two = sampler(lambda x, t: x * .5, start, rng, schedule)
    assert torch.equal(one, two)
    assert rng.num_draws == 0


def test_ddim_as_published_is_shifted_and_ends_before_clean_data():
    schedule = GaussianDiffusion('x0').schedule
    table = DDIMSampler(num_steps=4).coefficients(schedule)
    kept = schedule.alphas_cumprod.float().double()
    assert table['timesteps'].tolist() == [1, 251, 501, 751]
    assert torch.equal(table['alphas_prev'], kept[[0, 1, 251, 501]])
    assert table['sigmas'][0] > 0
    clean = DDIMSampler(num_steps=4, to_clean=True).coefficients(schedule)
    assert clean['alphas_prev'][0] == 1
    assert clean['sigmas'][0] == 0


def test_steps_run_from_high_to_low_noise():
    seen = []
    schedule = GaussianDiffusion('x0').schedule
    rng = SampleRng.from_seed(0, range(1))
    DDPMSampler(5)(lambda x, t: seen.append(int(t)) or x, rng.normal(1), rng,
                   schedule)
    assert seen == [999, 749, 500, 250, 0]


def test_clipping():
    schedule = GaussianDiffusion('x0').schedule
    rng = SampleRng.from_seed(0, range(2))
    x = DDPMSampler(5, clip=1.)(lambda x, t: x + 9, rng.normal(1), rng,
                                schedule)
    assert torch.equal(x, torch.ones(2, 1))


def test_bad_arguments():
    with pytest.raises(ValueError, match='parameterization'):
        GaussianDiffusion('noise')
    with pytest.raises(ValueError, match='eta'):
        DDIMSampler(10, eta=-1)
