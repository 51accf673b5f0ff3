"""Closed forms of the diffusion core, for every parameterization."""
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
