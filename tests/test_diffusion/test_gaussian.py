"""Closed forms of the diffusion core, for every parameterization."""
import math

import pytest
import torch

from rcg.diffusion import DDIMSampler, GaussianDiffusion
from rcg.diffusion.gaussian import _log_likelihood_of_pixels
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
    target = training_target(kind, x0, eps, diffusion.levels_at(t, 2))
    torch.testing.assert_close(diffusion.predict_x0(target, x_t, t), x0,
                               rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize('kind', KINDS)
def test_a_perfect_denoiser_has_no_loss(kind):
    diffusion = GaussianDiffusion(kind, 'cosine')
    x0 = batch()[0]

    def perfect(x_t, t):
        at = diffusion.levels_at(t, 2)
        return training_target(
            kind, x0, (x_t - at.signal * x0) / at.noise, at)

    rng = SampleRng.from_seed(1, range(5))
    assert diffusion.loss(perfect, x0, rng)['loss_diffusion'] < 1e-6


def test_bad_arguments():
    with pytest.raises(ValueError, match='parameterization'):
        GaussianDiffusion('noise')
    with pytest.raises(ValueError, match='eta'):
        DDIMSampler(10, eta=-1)


def learning(kind='eps', **changes):
    return GaussianDiffusion(kind, learn_variance=True, **changes)


def test_the_bound_is_least_for_the_posterior():
    """A denoiser that knows x0: its best variance is the posterior's."""
    x0 = torch.rand(64, 3) * 2 - 1

    def bound(fraction):
        def knowing(x_t, t):
            a, s = diffusion.signal[t, None], diffusion.noise[t, None]
            return torch.cat([(x_t - a * x0) / s,
                              torch.full_like(x_t, fraction)], 1)

        diffusion = learning()
        rng = SampleRng.from_seed(0, range(64))
        return diffusion.loss(knowing, x0, rng)

    exact, wide = bound(-1.), bound(1.)
    assert exact['loss_diffusion'] < 1e-9
    assert exact['loss_variance'] < wide['loss_variance']
    # No term but that of t = 0, which is not drawn here, could be left.
    assert exact['loss_variance'].abs() < 1e-3


def test_the_bound_teaches_the_variance_alone():
    weight = torch.nn.Parameter(torch.full((6, ), .1))
    x0 = torch.rand(8, 3) * 2 - 1
    losses = learning().loss(lambda x, t: torch.cat([x, x], 1) * weight, x0,
                             SampleRng.from_seed(0, range(8)))
    losses['loss_variance'].backward()
    assert torch.equal(weight.grad[:3], torch.zeros(3))
    assert weight.grad[3:].abs().min() > 0


def test_pixels_likelihood_sums_to_one():
    levels = torch.arange(256) / 127.5 - 1
    for mean, std in ((.3, .2), (-.99, .01), (2., 1.)):
        mass = _log_likelihood_of_pixels(
            levels, torch.tensor(mean), torch.tensor(std)).exp()
        assert mass.sum() == pytest.approx(1, abs=1e-4)


def test_clipping():
    found = GaussianDiffusion('x0', clip=1.).denoise(
        lambda x, t: x + 9, torch.zeros(2, 1), 5)
    assert torch.equal(found.x0, torch.ones(2, 1))


def constant(output):
    """A denoiser that always predicts the same."""
    return lambda x_t, t: torch.full_like(x_t, output)


def test_use_kl_with_a_fixed_variance_weights_the_squared_error():
    """T times DDPM's weight in the bound, for every timestep but the first."""
    diffusion = GaussianDiffusion('eps', use_kl=True)
    x0 = torch.rand(64, 3) * 2 - 1
    rows = diffusion.losses(constant(.5), x0,
                            SampleRng.from_seed(0, range(64)))
    t = SampleRng.from_seed(0, range(64)).randint(1000)
    assert t.min() > 0
    torch.testing.assert_close(
        rows['loss_vlb'], 1000 / math.log(2) * diffusion.vlb_weights[t]
        * rows['mse'], rtol=1e-3, atol=0.)


def test_use_kl_of_the_true_posterior_is_the_last_term_alone():
    diffusion = learning(use_kl=True, num_timesteps=4)
    x0 = torch.full((64, 3), .5)

    def knowing(x_t, t):
        a, s = diffusion.signal[t, None], diffusion.noise[t, None]
        return torch.cat([(x_t - a * x0) / s, torch.full_like(x_t, -1.)], 1)

    rows = diffusion.losses(knowing, x0, SampleRng.from_seed(0, range(64)))
    t = SampleRng.from_seed(0, range(64)).randint(4)
    assert (t == 0).any()
    assert rows['loss_vlb'][t > 0].abs().max() < 1e-3
    # Level .5 is a bound of two bins: at t = 0 the mean is x0, the standard
    # deviation beta's at t = 1, and the mass that of the bin around x0.
    std = (diffusion.lowest[0] / 2).exp()
    mass = torch.erf(1 / 255 / std / 2**.5)
    assert rows['loss_vlb'][t == 0].mean() == pytest.approx(
        -4 * math.log2(mass), rel=1e-2)


def test_use_kl_teaches_the_mean_too():
    weight = torch.nn.Parameter(torch.full((6, ), .1))
    x0 = torch.rand(8, 3) * 2 - 1
    losses = learning(use_kl=True).loss(
        lambda x, t: torch.cat([x, x], 1) * weight, x0,
        SampleRng.from_seed(0, range(8)))
    assert [name for name in losses if 'loss' in name] == ['loss_vlb']
    assert not losses['mse'].requires_grad
    losses['loss_vlb'].backward()
    assert weight.grad.abs().min() > 0


@pytest.mark.parametrize(('steps', 'factor'), [(4000, 4.), (1000, 1.)])
def test_rescale_learned_sigmas(steps, factor):
    x0 = torch.rand(8, 3) * 2 - 1
    plain, scaled = (learning(num_timesteps=steps, **options).losses(
        lambda x, t: torch.cat([x, x], 1), x0,
        SampleRng.from_seed(0, range(8)))
        for options in ({}, dict(rescale_learned_sigmas=True)))
    assert torch.equal(plain['loss_diffusion'], scaled['loss_diffusion'])
    torch.testing.assert_close(scaled['loss_variance'],
                               factor * plain['loss_variance'])


@pytest.mark.parametrize('options', [
    {}, dict(learn_variance=True, use_kl=True)])
def test_rescaling_what_is_not_there(options):
    with pytest.raises(ValueError, match='rescale_learned_sigmas'):
        GaussianDiffusion('eps', rescale_learned_sigmas=True, **options)
