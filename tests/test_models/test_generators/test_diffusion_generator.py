"""One generator for every denoiser; published numbers of three networks."""
import pytest
import torch
from mmengine.registry import DefaultScope
from torch import nn

from rcg.registry import MODELS, PIXEL_GENERATORS
from rcg.rng import SampleRng
from tests.test_models import tiny

REP = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        yield


def build(**changes):
    return PIXEL_GENERATORS.build({**tiny.diffusion(), **changes})


def test_a_sample_depends_on_its_stream_alone():
    model = build().eval()
    whole = model.sample(REP, SampleRng.from_seed(0, range(5)))
    assert whole.shape == (5, 2, 4, 4)
    some = model.sample(REP[[3, 1]], SampleRng.from_seed(0, [3, 1]))
    torch.testing.assert_close(some, whole[[3, 1]])


FLOW_SAMPLERS = [dict(type=f'{name}Sampler', num_steps=3) for name in (
    'Euler', 'HeunFlow', 'EulerMaruyama', 'DPMSolver', 'Heun')]


def build_flow(sampler, **changes):
    return PIXEL_GENERATORS.build({
        **tiny.flow(), 'sampler': sampler, **changes}).eval()


@pytest.mark.parametrize('sampler', FLOW_SAMPLERS, ids=lambda c: c['type'])
def test_a_sample_of_a_flow_depends_on_its_stream_alone(sampler):
    model = build_flow(sampler)
    for p in model.parameters():
        torch.nn.init.normal_(p, std=.2)
    whole = model.sample(REP, SampleRng.from_seed(0, range(5)))
    some = model.sample(REP[[3, 1]], SampleRng.from_seed(0, [3, 1]))
    torch.testing.assert_close(some, whole[[3, 1]], rtol=1e-4, atol=1e-4)
    *_, last = model.estimates(REP, SampleRng.from_seed(0, range(5)))
    assert last.step == last.num_steps == 3
    assert torch.equal(last.codes, whole)


def test_loss_of_an_image_does_not_depend_on_its_batch():
    model = build()
    codes = SampleRng.from_seed(1, range(4)).normal(2, 4, 4)
    whole = model.loss(codes, REP[:4], SampleRng.from_seed(1, range(4)))
    halves = [model.loss(codes[rows], REP[rows], SampleRng.from_seed(1, rows))
              for rows in ([0, 2], [1, 3])]
    for name, value in whole.items():
        mean = sum(half[name] for half in halves) / 2
        torch.testing.assert_close(value, mean)
    assert set(whole) == {'loss_diffusion', 'loss_variance'}


@pytest.mark.parametrize(('sampler', 'words'), [
    (dict(type='DDPMSampler', num_steps=400, spacing='uniform'),
     '400 of 1000 timesteps.*nearest is 334'),
    (dict(type='DDIMSampler', num_steps=2000), r'in \[1, 1000\], got 2000'),
    (dict(type='DPMSolverSampler', num_steps=1), r'in \[2, 1000\], got 1')])
def test_steps_that_cannot_be_spaced(sampler, words):
    """Refused when it is built, and not after training."""
    with pytest.raises(ValueError, match=words):
        build(sampler=sampler)


def test_a_flow_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match='DDPMSampler walks a table'):
        build_flow(dict(type='DDPMSampler', num_steps=3))
    with pytest.raises(ValueError, match='learn_variance=False takes 2'):
        build_flow(FLOW_SAMPLERS[0], network=tiny.diffusion()['network'])
    model = build_flow(FLOW_SAMPLERS[0])
    model.num_steps = 1000
    with pytest.raises(ValueError, match='at least 1'):
        model.num_steps = 0


def test_codes_of_another_tokenizer():
    with pytest.raises(ValueError, match=r'\(2, 4, 4\).*got \(4, 8, 8\)'):
        build().loss(torch.zeros(5, 4, 8, 8), REP,
                     SampleRng.from_seed(0, range(5)))


def test_variance_must_be_learned_on_both_sides():
    network = dict(tiny.diffusion()['network'], learn_variance=False)
    with pytest.raises(ValueError, match='takes 4 channels.*got 2'):
        build(network=network)


def test_steps_may_change_but_must_be_spaced():
    model = build()
    model.num_steps = 9
    assert model.sampler.num_steps == 9
    with pytest.raises(ValueError, match='got 1001'):
        model.num_steps = 1001


@pytest.mark.parametrize('sampler', [
    dict(type='DDIMSampler', num_steps=3),
    dict(type='DDIMSampler', num_steps=3, spacing='strided', offset=0),
    dict(type='DDPMSampler', num_steps=3),
    dict(type='DPMSolverSampler', num_steps=3),
    dict(type='HeunSampler', num_steps=3)])
def test_estimates_end_in_the_sample(sampler):
    model = build(sampler=sampler).eval()
    *before, last = model.estimates(REP, SampleRng.from_seed(0, range(5)))
    assert [e.step for e in (*before, last)] == [
        *range(1, last.num_steps + 1)]
    drawn = model.sample(REP, SampleRng.from_seed(0, range(5)))
    assert torch.equal(last.codes, drawn)
    # The first is clean data that were predicted, not noise.
    rng = SampleRng.from_seed(0, range(5))
    noise = rng.normal(2, 4, 4)
    first = model.sampler.timesteps(model.diffusion.schedule)[-1]
    assert torch.equal(before[0].codes,
                       model.denoiser(REP)(noise, first).x0)


@MODELS.register_module()
class Around(nn.Module):
    """Noise about the mean of the condition."""

    def forward(self, condition, rng):
        return condition.mean(1).view(-1, 1, 1, 1) + rng.normal(2, 4, 4)


def test_a_source_draws_the_noise_of_each_condition():
    """In training and in sampling, and an image's own in any batch."""
    flow = dict(diffusion=dict(type='FlowMatching'), source=dict(
        type='Around'), sampler=dict(type='EulerSampler', num_steps=1))
    network = dict(tiny.diffusion()['network'], learn_variance=False)
    model = build(network=network, **flow).eval()
    seen = []
    model.network.register_forward_pre_hook(
        lambda module, inputs: seen.append(inputs[0]))
    whole = model.sample(REP, SampleRng.from_seed(0, range(5)))
    start = Around()(REP, SampleRng.from_seed(0, range(5)))
    torch.testing.assert_close(seen[0], start)  # t = 1 is noise alone
    some = model.sample(REP[[3, 1]], SampleRng.from_seed(0, [3, 1]))
    torch.testing.assert_close(some, whole[[3, 1]])
    # The loss: at time t it sees (1 - t) codes + t noise.
    codes, rng = torch.zeros(5, 2, 4, 4), SampleRng.from_seed(0, range(5))
    model.embed(REP, rng)
    noise, t = Around()(REP, rng), rng.uniform()
    seen.clear()
    model.loss(codes, REP, SampleRng.from_seed(0, range(5)))
    torch.testing.assert_close(seen[0], t.view(-1, 1, 1, 1) * noise)


def test_a_source_needs_a_flow():
    with pytest.raises(ValueError, match='GaussianDiffusion takes standard'):
        build(source=dict(type='Around'))
