"""A mixture's moments, its modes, and flows that begin in it."""
import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.diffusion import EulerSampler, FlowMatching, HeunFlowSampler
from rcg.diffusion.samplers import Prediction
from rcg.registry import MODELS
from rcg.rng import SampleRng
from tests.test_projects.test_mixture_source.parts import mixture, saved


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize('shared_std', [False, True])
def test_moments(shared_std):
    """Those of what is drawn are those of a mixture of Gaussians."""
    part, count = mixture((2, 3), shared_std), 40_000
    rng = SampleRng.from_seed(0, range(count))
    modes = part.draw_modes(rng)
    weights = torch.tensor([.5, .3, .2])
    torch.testing.assert_close(modes.bincount() / count, weights, atol=.01,
                               rtol=0)
    x = part.draw(modes, rng)
    weights = weights.view(3, 1, 1)
    mean = (weights * part.means).sum(0)
    variance = (weights * (part.stds**2 + (part.means - mean)**2)).sum(0)
    torch.testing.assert_close(x.mean(0), mean, atol=.06, rtol=0)
    torch.testing.assert_close(x.var(0), variance, atol=.1, rtol=.03)
    third = x[modes == 2]
    torch.testing.assert_close(third.mean(0), part.means[2], atol=.04, rtol=0)
    torch.testing.assert_close(third.std(0), part.stds[-1], atol=.03, rtol=0)


def test_a_mode_is_the_nearest_centroid():
    part = mixture()
    near = part.centroids[[2, 0, 1, 1]] + torch.randn(4, 4)
    assert part.modes(near).tolist() == [2, 0, 1, 1]
    with pytest.raises(ValueError, match='of 4 values, got 3'):
        part.modes(torch.zeros(2, 3))
    with pytest.raises(ValueError, match='num must be at least 1'):
        MODELS.build(dict(type='GaussianMixture', num=0, rep_dim=4,
                          shape=(2, )))


def test_a_source_draws_from_the_mode_of_the_condition(tmp_path):
    part = mixture((2, 4, 4))
    source = MODELS.build(dict(type='MixtureSource',
                               mixture=saved(part, tmp_path)))
    condition = part.centroids[[2, 0, 1]]
    rng = SampleRng.from_seed(0, range(3))
    found = source(condition, rng)
    eps = SampleRng.from_seed(0, range(3)).normal(2, 4, 4)
    torch.testing.assert_close(
        found, part.means[[2, 0, 1]] + part.stds[[2, 0, 1]] * eps)
    # A row depends on its own stream alone.
    one = source(condition[1:2], SampleRng.from_seed(0, [1]))
    torch.testing.assert_close(one, found[1:2])
    # It is no part of a checkpoint.
    assert not source.state_dict() and not list(source.parameters())


TARGET_MEANS = torch.tensor([[6., 0.], [-4., 3.], [0., -7.]]).double()
TARGET_STDS = torch.tensor([[.5, 1.], [.3, .2], [2., .1]]).double()


def exact(part, modes):
    """E[x0 | x_t] if a mode's data are Gaussian, and its noise is, too."""
    mean, std = TARGET_MEANS[modes], TARGET_STDS[modes]
    start, width = part.means[modes].double(), part.stds[modes].double()

    def denoise(x_t, t):
        between = (1 - t) * mean + t * start
        variance = (1 - t)**2 * std**2 + t**2 * width**2
        gain = (1 - t) * std**2 / variance
        return Prediction(mean + gain * (x_t - between))

    return denoise


@pytest.mark.parametrize(('sampler', 'error'), [
    (EulerSampler(1000), .02), (HeunFlowSampler(100), .002)])
def test_the_exact_flow_ends_in_the_data(sampler, error):
    """Each value keeps its distance to the mode's mean, in deviations."""
    part, rng = mixture(), SampleRng.from_seed(0, range(30))
    modes = part.draw_modes(rng)
    start = part.draw(modes, rng).double()
    found = sampler(exact(part, modes), start, rng, FlowMatching().schedule)
    distance = (start - part.means[modes]) / part.stds[modes]
    wanted = TARGET_MEANS[modes] + TARGET_STDS[modes] * distance
    torch.testing.assert_close(found, wanted, atol=error, rtol=error)


def test_nothing_is_left_to_learn_beyond_the_posterior_variance():
    """The loss of the exact velocity is the variance of v, given x_t."""
    part, count = mixture(), 20_000
    rng = SampleRng.from_seed(0, range(count))
    modes = part.draw_modes(rng)
    noise = part.draw(modes, rng)
    data = (TARGET_MEANS[modes] + TARGET_STDS[modes]
            * rng.normal(2)).float()
    flow = FlowMatching()
    wanted = []

    def velocity(x_t, time):
        t = (time / 1000).double()[:, None]
        x0 = exact(part, modes)(x_t.double(), t).x0
        a, s = TARGET_STDS[modes], part.stds[modes].double()
        # v = (x_t - x0) / t, and so has the variance of x0 over t^2.
        left = (a * s)**2 / ((1 - t)**2 * a**2 + t**2 * s**2)
        wanted.append(left.mean())
        return ((x_t - x0) / t).float()

    loss = flow.loss(velocity, data, rng, noise)['loss_diffusion']
    torch.testing.assert_close(loss.double(), wanted[0], rtol=.03, atol=0)
