"""Solvers on a Gaussian, whose flow is known; see exact.py."""
import itertools
import math

import pytest
import torch

from rcg.diffusion import (
    DDIMSampler,
    DDPMSampler,
    DPMSolverSampler,
    EulerMaruyamaSampler,
    EulerSampler,
    GaussianDiffusion,
    HeunFlowSampler,
    HeunSampler,
    LinearPath,
    Prediction,
)
from tests.test_diffusion.exact import (
    COVARIANCE,
    MEAN,
    ONE,
    denoise_on,
    end_of_flow,
    moments_differ,
    noise,
)

FLOW = LinearPath()
TABLE = GaussianDiffusion('v', 'cosine').schedule


def drawn(sampler, schedule=FLOW, rows=50):
    rng, start = noise(rows)
    return sampler(denoise_on(schedule), start, rng, schedule)


def error(sampler):
    return (drawn(sampler) - end_of_flow(noise(50)[1])).abs().max().item()


@pytest.mark.parametrize(('kind', 'order'), [
    (EulerSampler, 1), (HeunFlowSampler, 2)])
@pytest.mark.parametrize('shift', [1., 3.])
def test_order_of_convergence(kind, order, shift):
    """The slope of the error over the number of steps, up to 1,000."""
    counts = 30, 100, 300, 1000
    errors = [error(kind(count, shift=shift)) for count in counts]
    slopes = [math.log(errors[i] / errors[i + 1])
              / math.log(counts[i + 1] / counts[i]) for i in range(3)]
    assert slopes == pytest.approx([order] * 3, abs=.1 * order)
    assert errors[-1] < (5e-3 if order == 1 else 5e-5)


def test_dpm_solver_starts_from_noise_alone():
    errors = [error(DPMSolverSampler(count, 'trailing'))
              for count in (20, 1000)]
    assert errors[0] < error(EulerSampler(20)) / 5
    assert errors[1] < 1e-4


@pytest.mark.parametrize('sampler', [
    EulerSampler(200), EulerSampler(200, shift=2.), HeunFlowSampler(20),
    DPMSolverSampler(20), HeunSampler(50)])
def test_the_ode_gives_mean_and_covariance(sampler):
    rng, start = noise(4000)
    x = sampler(denoise_on(FLOW), start, rng, FLOW)
    # Those of the noise that it started from, moved exactly.
    wanted = end_of_flow(start)
    assert max(moments_differ(x, wanted.mean(0), torch.cov(wanted.T))) < .03


@pytest.mark.parametrize(('schedule', 'options'), [
    (FLOW, {}), (FLOW, dict(coefficient='sine')), (FLOW, dict(scale=3.)),
    (FLOW, dict(coefficient='constant')), (TABLE, {})])
def test_the_sde_gives_mean_and_covariance(schedule, options):
    x = drawn(EulerMaruyamaSampler(200, **options), schedule, 10000)
    # Three standard errors are .024; the rest is the error of the steps.
    assert max(moments_differ(x)) < .04


def test_the_sde_has_the_marginals_of_the_path_on_its_way():
    rng, start = noise(10000)
    sampler = EulerMaruyamaSampler(200)
    times = sampler.timesteps(FLOW)[::-1]
    steps = sampler.steps(denoise_on(FLOW), start, rng, FLOW)
    half, _ = next(itertools.islice(steps, 99, None))  # after 100 of 200
    (a, s), = FLOW.levels([times[100]])
    assert a == pytest.approx(.5)
    assert max(moments_differ(half, a * MEAN,
                              a**2 * COVARIANCE + s**2 * ONE)) < .04


def test_without_noise_the_sde_is_euler():
    torch.testing.assert_close(drawn(EulerMaruyamaSampler(30, scale=0.)),
                               drawn(EulerSampler(30)))


def test_euler_is_ddim_without_noise():
    ddim = DDIMSampler(30, eta=0., spacing='trailing', offset=0,
                       to_clean=True, float32_tables=False)
    torch.testing.assert_close(drawn(EulerSampler(30), TABLE),
                               drawn(ddim, TABLE))


def test_euler_follows_the_velocity():
    """x + (t' - t) v, with v = (x - x0) / t."""
    start = torch.ones(1, 1)
    states = [x.item() for x, _ in EulerSampler(4).steps(
        lambda x, t: Prediction(x - t * 2.), start, None, FLOW)]
    assert states == pytest.approx([.5, 0., -.5, -1.])  # v is 2


@pytest.mark.parametrize(('sampler', 'calls'), [
    (EulerSampler(7), 7), (HeunFlowSampler(7), 13), (HeunSampler(7), 13),
    (DPMSolverSampler(7), 7), (EulerMaruyamaSampler(7), 7)])
def test_number_of_calls(sampler, calls):
    seen = []

    def denoise(x, time):
        seen.append(time)
        return Prediction(x * .5)

    rng, start = noise(2)
    assert len(list(sampler.steps(denoise, start, rng, FLOW))) == 7
    assert len(seen) == calls and set(seen) == set(sampler.timesteps(FLOW))
    draws = 7 if isinstance(sampler, EulerMaruyamaSampler) else 1
    assert rng.num_draws == draws  # the start; the last step draws none


def test_times_of_a_flow():
    assert EulerSampler(4).timesteps(FLOW) == [.25, .5, .75, 1.]
    # s t / (1 + (s - 1) t)
    assert EulerSampler(4, shift=3.).timesteps(FLOW) == pytest.approx(
        [.5, .75, .9, 1.])
    assert EulerMaruyamaSampler(4, last=.04).timesteps(FLOW) == (
        pytest.approx([.04, .36, .68, 1.]))
    shifted = EulerMaruyamaSampler(4, shift=3., last=.04).timesteps(FLOW)
    assert (shifted[0], shifted[-1]) == pytest.approx((.04, 1.))
    ratios = [2 * math.log(a / s) for a, s in FLOW.levels(
        DPMSolverSampler(5).timesteps(FLOW))]
    assert ratios == pytest.approx([9.2, 4.35, -.5, -5.35, -10.2])
    assert EulerSampler(1).timesteps(FLOW) == [1.]


@pytest.mark.parametrize(('sampler', 'schedule', 'words'), [
    (DDIMSampler(10), FLOW, 'DDIMSampler.*LinearPath has not; take Euler'),
    (DDPMSampler(10), FLOW, 'DDPMSampler walks a table'),
    (HeunSampler(10, 'trailing'), FLOW, 'HeunFlowSampler'),
    (EulerSampler(10, 'uniform'), FLOW, "'trailing' or 'log_snr'"),
    (EulerSampler(10, shift=-1.), FLOW, 'shift must be positive'),
    (EulerSampler(10, 'log_snr', shift=2.), FLOW, 'its own ends'),
    (EulerSampler(0), FLOW, 'at least 1'),
    (DPMSolverSampler(1), FLOW, 'at least 2'),
    (EulerMaruyamaSampler(9, last=1.), FLOW, r'last must be in \(0, 1\)'),
    (EulerSampler(10, shift=2.), TABLE, 'FlowMatching'),
    (EulerMaruyamaSampler(10, last=.04), TABLE, 'FlowMatching'),
    (DDIMSampler(10, spacing='log_snr'), TABLE, 'has no offset')])
def test_what_does_not_fit(sampler, schedule, words):
    with pytest.raises(ValueError, match=words):
        sampler.timesteps(schedule)


def test_arguments():
    with pytest.raises(ValueError, match="coefficient.*got 'kl'"):
        EulerMaruyamaSampler(coefficient='kl')
    with pytest.raises(ValueError, match='scale must not be negative'):
        EulerMaruyamaSampler(scale=-1.)
