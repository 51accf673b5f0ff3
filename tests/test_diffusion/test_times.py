"""Distributions of the times of a flow against their formulas."""
import math

import pytest
import torch

from rcg.diffusion import (
    FlowMatching,
    LogitNormalTimes,
    LossAwareTimes,
    UniformTimes,
)
from rcg.rng import SampleRng

N = 40000


def quantiles(times):
    t, weights = times.draw(SampleRng.from_seed(0, range(N)))
    assert weights is None and t.min() > 0 and t.max() < 1
    return t.quantile(torch.tensor([.1, .5, .9])).tolist()


def test_uniform():
    assert quantiles(UniformTimes()) == pytest.approx([.1, .5, .9], abs=.01)


def test_shift():
    """SD3 eq. 23 keeps the order, and so moves each quantile."""
    assert quantiles(UniformTimes(shift=3.)) == pytest.approx(
        [.3 / 1.2, 1.5 / 2, 2.7 / 2.8], abs=.01)


@pytest.mark.parametrize(('mean', 'std', 'shift'), [
    (0., 1., 1.), (.8, .8, 1.), (-.4, 1.2, 1.), (0., 1., 3.)])
def test_logit_normal(mean, std, shift):
    """The shift adds its logarithm to the logit."""
    tail = 1.2815516  # of the standard normal distribution, for .9
    logits = [mean + math.log(shift) + z * std for z in (-tail, 0, tail)]
    assert quantiles(LogitNormalTimes(mean, std, shift)) == pytest.approx(
        [1 / (1 + math.exp(-logit)) for logit in logits], abs=.01)


def by_t(x_t, t):
    """A network whose error grows with t."""
    return x_t * 0 + t[:, None] / 1000


def aware(**changes):
    return FlowMatching(times=dict(type='LossAwareTimes', **{
        'num_bins': 4, 'history_per_term': 2, **changes}))


def test_loss_aware_times_follow_the_losses():
    flow = aware(uniform_prob=0.)
    x0 = torch.zeros(64, 1)
    for step in range(4):
        rng = SampleRng.from_seed(0, range(step * 64, step * 64 + 64))
        flow.losses(by_t, x0, rng)
    bins = flow.schedule_sampler.bins
    roots = bins.history[:-1].square().mean(1).sqrt()
    torch.testing.assert_close(bins.probabilities(), roots / roots.sum())
    t, weights = flow.schedule_sampler.draw(SampleRng.from_seed(1, range(N)))
    place = (t * 4).long()
    share = place.bincount(minlength=4) / N
    torch.testing.assert_close(share, bins.probabilities(), rtol=0, atol=.01)
    torch.testing.assert_close(weights, 1 / (4 * bins.probabilities())[place])
    # The weighted mean is that of evenly drawn times, of anything.
    assert (weights * t).mean() == pytest.approx(.5, abs=.01)
    assert (weights * t**2).mean() == pytest.approx(1 / 3, abs=.01)
    within = t[place == 2] * 4 - 2  # even
    assert within.mean() == pytest.approx(.5, abs=.02)


def test_losses_are_weighted_and_remembered_unweighted():
    flow = aware()
    x0 = torch.zeros(64, 1)
    for step in range(4):
        rng = SampleRng.from_seed(0, range(step * 64, step * 64 + 64))
        flow.losses(by_t, x0, rng)
    flow.eval()
    t, weights = flow.schedule_sampler.draw(SampleRng.from_seed(9, range(64)))
    rng = SampleRng.from_seed(9, range(64))
    before = flow.schedule_sampler.bins.history.clone()
    found = flow.losses(by_t, x0, rng)['loss_diffusion']
    eps = SampleRng.from_seed(9, range(64), num_draws=2).normal(1)
    torch.testing.assert_close(
        found, weights * (eps - t[:, None]).square().mean(1))
    assert torch.equal(flow.schedule_sampler.bins.history, before)


def test_a_saved_history_goes_on():
    def trained(flow, steps):
        return torch.stack([flow.losses(by_t, torch.zeros(8, 1),
                                        SampleRng.from_seed(
                                            0, range(step * 8, step * 8 + 8))
                                        )['loss_diffusion']
                            for step in steps])

    whole, first, second = aware(), aware(), aware()
    wanted = trained(whole, range(12))
    assert torch.equal(trained(first, range(5)), wanted[:5])
    second.load_state_dict(first.state_dict())
    assert torch.equal(trained(second, range(5, 12)), wanted[5:])
    assert not FlowMatching().state_dict()


@pytest.mark.parametrize(('build', 'words'), [
    (lambda: UniformTimes(shift=0.), 'shift must be positive'),
    (lambda: LogitNormalTimes(std=0.), 'std must be positive'),
    (lambda: LossAwareTimes(0), 'num_bins must be at least 1'),
    (lambda: LossAwareTimes(4, uniform_prob=2.), 'uniform_prob')])
def test_arguments(build, words):
    with pytest.raises(ValueError, match=words):
        build()
