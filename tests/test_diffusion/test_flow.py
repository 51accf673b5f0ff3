"""Flow matching: conversions, and each loss against its formula."""
import pytest
import torch

from rcg.diffusion import (
    DDPMSampler,
    EulerMaruyamaSampler,
    EulerSampler,
    FlowMatching,
    GaussianDiffusion,
    HeunFlowSampler,
    check_source,
)
from rcg.diffusion.parameterization import training_target
from rcg.rng import SampleRng
from tests.test_diffusion.exact import MEAN, denoise_on, end_of_flow, noise

KINDS = 'v', 'x0', 'eps'


def batch(rows=6):
    """x0, and what ``losses`` draws: times and noise."""
    rng = SampleRng.from_seed(0, range(rows))
    t, eps = rng.uniform(), rng.normal(3)
    return SampleRng.from_seed(1, range(rows)).normal(3), t, eps


def losses(flow, denoiser, x0):
    rng = SampleRng.from_seed(0, range(len(x0)))
    return flow.losses(denoiser, x0, rng)['loss_diffusion']


def constant(x_t, t):
    return torch.full_like(x_t, .3)


@pytest.mark.parametrize('kind', KINDS)
def test_the_true_target_gives_back_x0(kind):
    flow = FlowMatching(kind)
    x0, t, eps = batch()
    x_t = flow.add_noise(x0, t, eps)
    torch.testing.assert_close(x_t, (1 - t[:, None]) * x0 + t[:, None] * eps)
    target = training_target(kind, x0, eps, flow.levels_at(t, 2))
    wanted = dict(v=eps - x0, x0=x0, eps=eps)[kind]
    torch.testing.assert_close(target, wanted)
    torch.testing.assert_close(flow.predict_x0(target, x_t, t), x0,
                               rtol=1e-3, atol=1e-4)


def test_one_prediction_in_three_parameterizations():
    """Each converts into the same x0, and so into each other."""
    x0, t, eps = batch()
    t = .1 + .8 * t
    x_t = FlowMatching().add_noise(x0, t, eps)
    v, s = torch.full_like(x_t, .7), t[:, None]
    outputs = dict(v=v, x0=x_t - s * v, eps=x_t + (1 - s) * v)
    found = [FlowMatching(kind).predict_x0(outputs[kind], x_t, t)
             for kind in KINDS]
    for other in found[1:]:
        torch.testing.assert_close(other, found[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('kind', KINDS)
def test_the_loss_is_the_mean_squared_error(kind):
    x0, t, eps = batch()
    wanted = dict(v=eps - x0, x0=x0, eps=eps)[kind]
    torch.testing.assert_close(losses(FlowMatching(kind), constant, x0),
                               (wanted - .3).square().mean(1))


def test_the_network_gets_a_thousandfold_of_t():
    seen = []

    def denoiser(x_t, t):
        seen.append(t)
        return x_t

    x0, t, _ = batch()
    losses(FlowMatching(), denoiser, x0)
    FlowMatching().denoise(denoiser, x0, .25)
    torch.testing.assert_close(seen[0], 1000 * t)
    assert seen[1].tolist() == [250.] * 6 and seen[1].stride() == (0, )


@pytest.mark.parametrize(('kind', 'space'), [
    ('x0', 'v'), ('eps', 'v'), ('v', 'x0'), ('eps', 'x0')])
def test_a_loss_in_another_space(kind, space):
    """The output, converted, against that space's own target."""
    x0, t, eps = batch()
    flow = FlowMatching(kind, loss_space=space, lowest=1e-6)
    s, x_t = t[:, None], flow.add_noise(x0, t, eps)
    output = torch.full_like(x_t, .3)
    found = flow.predict_x0(output, x_t, t)
    if space == 'v':
        error = (x_t - found) / s - (eps - x0)
    else:
        error = found - x0
    torch.testing.assert_close(losses(flow, constant, x0),
                               error.square().mean(1), rtol=1e-3, atol=1e-5)


def test_jit_divides_by_no_less_than_its_lowest_level():
    x0, _, eps = batch()
    flow = FlowMatching('x0', loss_space='v')
    t = torch.tensor([.01, .05, .1, .5, .9, 1.])
    found = flow.losses_at(t, constant, x0, eps)['loss_diffusion']
    divisor = torch.tensor([.05, .05, .1, .5, .9, 1.])
    torch.testing.assert_close(
        found, ((x0 - .3) / divisor[:, None]).square().mean(1))


def test_predicting_x0_with_a_loss_in_v_is_predicting_v():
    """Of one network output, converted; where nothing is clamped."""
    x0, t, _ = batch()

    def as_x0(x_t, time):
        return x_t - time[:, None] / 1000 * .3

    torch.testing.assert_close(
        losses(FlowMatching('x0', loss_space='v', lowest=1e-6), as_x0, x0),
        losses(FlowMatching('v'), constant, x0), rtol=1e-3, atol=1e-5)


def test_the_best_prediction_is_the_exact_velocity():
    """Of all v, E[eps - x0 | x_t] has the least loss on Gaussian data."""
    rng, start = noise(4000)
    x0, flow = end_of_flow(start), FlowMatching()
    path = denoise_on(flow.schedule)

    def exact(x_t, t):
        return torch.stack([
            (x - path(x[None], time / 1000).x0[0]) / (time / 1000)
            for x, time in zip(x_t, t.tolist(), strict=True)])

    found = losses(flow, exact, x0).mean()
    for change in .1, -.1:
        other = losses(flow, lambda x, t, c=change: exact(x, t) + c, x0)
        assert other.mean() > found


@pytest.mark.parametrize('kind', KINDS)
def test_samples_of_a_known_denoiser(kind):
    """Along the network's own path: 1000 t in, its prediction out."""
    flow = FlowMatching(kind)
    path = denoise_on(flow.schedule)

    def network(x, t):
        t = t[0].item() / 1000
        x0 = path(x, t).x0
        eps = (x - (1 - t) * x0) / t
        return dict(v=eps - x0, x0=x0, eps=eps)[kind]

    rng, start = noise(50)
    # eps says nothing at t = 1.
    sampler = EulerSampler(400, 'log_snr' if kind == 'eps' else 'trailing')
    found = sampler(lambda x, time: flow.denoise(network, x, time), start,
                    rng, flow.schedule)
    assert (found - end_of_flow(start)).abs().max() < .05
    assert (found - MEAN).abs().max() > 1


def test_clipping():
    found = FlowMatching('x0', clip=1.).denoise(
        lambda x, t: x + 9, torch.zeros(2, 1), .5)
    assert torch.equal(found.x0, torch.ones(2, 1))
    assert found.variance is None


def test_a_row_depends_on_its_stream_alone():
    flow = FlowMatching(times=dict(type='LogitNormalTimes'))
    x0 = batch()[0]
    whole = losses(flow, lambda x, t: x + t[:, None] / 1000, x0)
    rows = [4, 1]
    some = flow.losses(lambda x, t: x + t[:, None] / 1000, x0[rows],
                       SampleRng.from_seed(0, rows))['loss_diffusion']
    torch.testing.assert_close(some, whole[rows])


def test_progress_begins_above_zero():
    """So that guidance in an interval from 0 acts on the first step."""
    flow, table = FlowMatching().schedule, GaussianDiffusion('v').schedule
    assert flow.progress(1.) == pytest.approx(table.progress(999))
    assert flow.progress(0.) == table.progress(0) == 1


@pytest.mark.parametrize(('options', 'words'), [
    (dict(parameterization='noise'), 'parameterization must be one of'),
    (dict(loss_space='eps'), "loss_space must be 'v', 'x0' or None"),
    (dict(lowest=0.), r'lowest must be in \(0, 1\)'),
    (dict(min_snr_gamma=0.), 'min_snr_gamma must be positive'),
    (dict(parameterization='x0', loss_space='v', min_snr_gamma=5.),
     'leave one of them out')])
def test_arguments(options, words):
    with pytest.raises(ValueError, match=words):
        FlowMatching(**options)


def test_noise_of_another_source():
    x0, t, _ = batch()
    noise = 2 + .5 * x0  # it may depend on the row
    rng = SampleRng.from_seed(0, range(6))
    found = FlowMatching().losses(constant, x0, rng, noise)['loss_diffusion']
    torch.testing.assert_close(found, (noise - x0 - .3).square().mean(1))
    with pytest.raises(ValueError, match=r'noise of \(2,\), the data .*\(3,'):
        FlowMatching().losses(constant, x0, rng, noise[:, :2])


@pytest.mark.parametrize(('process', 'sampler', 'name'), [
    (FlowMatching(), EulerMaruyamaSampler(), 'EulerMaruyamaSampler'),
    (FlowMatching(), DDPMSampler(), 'DDPMSampler'),
    (GaussianDiffusion('v'), EulerSampler(), 'GaussianDiffusion')])
def test_who_takes_normal_noise_alone(process, sampler, name):
    check_source(FlowMatching(), EulerSampler())
    check_source(FlowMatching(), HeunFlowSampler())
    with pytest.raises(ValueError, match=f'{name} takes standard normal'):
        check_source(process, sampler)
