"""Closed forms of the schedules, and the spacing of timesteps."""
import math

import pytest
import torch

from rcg.diffusion import NoiseSchedule, make_betas, space_timesteps


def test_linear_and_scaled_linear_ends():
    linear = make_betas('linear', 1000, 1e-4, .02)
    scaled = make_betas('scaled_linear', 1000, .0015, .0195)
    for betas, ends in ((linear, (1e-4, .02)), (scaled, (.0015, .0195))):
        assert betas.dtype == torch.float64
        assert betas[0] == pytest.approx(ends[0], rel=1e-12)
        assert betas[-1] == pytest.approx(ends[1], rel=1e-12)
    assert linear[500] - linear[499] == pytest.approx(
        (linear[1] - linear[0]).item(), rel=1e-9)
    roots = scaled.sqrt()
    assert roots[500] - roots[499] == pytest.approx(
        (roots[1] - roots[0]).item(), rel=1e-9)


def test_cosine_signal():
    """alphas_cumprod follows arXiv:2102.09672 eq. 17 until the clip."""
    signal = NoiseSchedule(make_betas('cosine', 1000)).alphas_cumprod

    def f(t):
        return math.cos((t / 1000 + .008) / 1.008 * math.pi / 2)**2

    for t in (0, 10, 500, 900):
        assert signal[t] == pytest.approx(f(t + 1) / f(0), rel=1e-9)


def test_unknown_schedule():
    with pytest.raises(ValueError, match='scaled_linear'):
        make_betas('sqrt', 10)


def test_posterior_of_two_steps():
    """Bayes by hand: betas 0.5 and 0.5."""
    schedule = NoiseSchedule(torch.tensor([.5, .5], dtype=torch.float64))
    assert schedule.posterior_variance.tolist() == pytest.approx([0, 1 / 3])
    assert schedule.posterior_mean_coef_x0.tolist() == pytest.approx(
        [1, .5 * math.sqrt(.5) / .75])
    assert schedule.posterior_mean_coef_xt.tolist() == pytest.approx(
        [0, .5 * math.sqrt(.5) / .75])


def test_respacing_keeps_the_marginals():
    schedule = NoiseSchedule(make_betas('linear', 1000))
    timesteps = space_timesteps(1000, 25, 'rounded')
    assert timesteps[0] == 0
    assert timesteps[-1] == 999
    torch.testing.assert_close(schedule.respaced(timesteps).alphas_cumprod,
                               schedule.alphas_cumprod[timesteps])


def test_uniform_spacing():
    assert space_timesteps(1000, 4, offset=1) == [1, 251, 501, 751]
    assert space_timesteps(1000, 30)[-1] == 29 * 34
    assert space_timesteps(10, 10) == list(range(10))


def test_trailing_spacing_ends_before_zero():
    assert space_timesteps(1000, 4, 'trailing') == [249, 499, 749, 999]
    assert space_timesteps(1000, 3, 'trailing') == [332, 666, 999]


@pytest.mark.parametrize('steps', [2, 10, 900, 1000])
def test_even_in_log_snr(steps):
    schedule = NoiseSchedule(make_betas('linear', 1000))
    timesteps = schedule.even_in_log_snr(steps)
    assert len(timesteps) == steps
    assert timesteps == sorted(set(timesteps))
    assert (timesteps[0], timesteps[-1]) == (0, 999)
    with pytest.raises(ValueError, match='in \\[2, 1000\\], got 1;'):
        schedule.even_in_log_snr(1)


def test_even_in_log_snr_spares_what_is_noise_alone():
    schedule = NoiseSchedule(make_betas('cosine', 1000))
    last = schedule.even_in_log_snr(10)[-1]
    assert 990 < last < 999
    assert schedule.alphas_cumprod[last] == pytest.approx(
        math.exp(-10.2), rel=.2)
    assert schedule.even_in_log_snr(1000) == list(range(1000))


def test_variance_range():
    schedule = NoiseSchedule(torch.tensor([.5, .5], dtype=torch.float64))
    lowest, highest = schedule.log_variance_range
    assert lowest.exp().tolist() == pytest.approx([1 / 3, 1 / 3])
    assert highest.exp().tolist() == pytest.approx([.5, .5])


@pytest.mark.parametrize(('steps', 'found', 'last'), [
    (250, 250, 996), (30, 31, 990), (150, 167, 996), (400, 500, 998)])
def test_published_spacing_may_give_more_steps(steps, found, last):
    timesteps = space_timesteps(1000, steps, 'strided')
    assert (len(timesteps), timesteps[-1]) == (found, last)


def test_published_spacing_that_fails_is_refused():
    with pytest.raises(ValueError, match='beyond the last'):
        space_timesteps(1000, 300, 'strided', offset=1)


@pytest.mark.parametrize(('steps', 'offset', 'words'), [
    (0, 0, 'in \\[1, 1000\\]'), (1001, 0, 'T = 1000'),
    (400, 0, 'nearest is 334'), (1000, 1, 'beyond the last')])
def test_impossible_spacing(steps, offset, words):
    with pytest.raises(ValueError, match=words):
        space_timesteps(1000, steps, 'uniform', offset)
    with pytest.raises(ValueError, match="'rounded' or 'trailing'"):
        space_timesteps(1000, 10, 'quadratic')


@pytest.mark.parametrize('schedule', ['linear', 'scaled_linear', 'cosine'])
def test_tables_stay_on_the_cpu(schedule):
    """A model built without memory has the timesteps of one that is real."""
    wanted = NoiseSchedule(make_betas(schedule, 100)).even_in_log_snr(7)
    with torch.device('meta'):
        found = NoiseSchedule(make_betas(schedule, 100))
        assert found.alphas_cumprod_prev.device.type == 'cpu'
        assert found.even_in_log_snr(7) == wanted
