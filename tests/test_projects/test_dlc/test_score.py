"""SEDD: numbers of the published code, and what is known in closed form."""
from functools import partial

import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.projects.dlc.convert import prior_from_published
from rcg.projects.dlc.process import HIDDEN, AbsorbingDiffusion
from rcg.projects.dlc.score import (
    LogLinearNoise,
    ScoreEntropyDiffusion,
    ScoreTransformer,
)
from rcg.projects.dlc.score_sampler import ScoreSampler, _share, chances
from rcg.registry import REPRESENTATION_DIFFUSERS
from rcg.rng import SampleRng

from .codes import NUM_TOKENS, PROBS, numbers, perfect
from .test_process import of_the_data
from .test_sampler import chi_square

# Of a SEDD of 5 codes, 6 tokens, width 32, 4 heads and 2 blocks.
BLOCK = {
    'norm1.weight': (32, ), 'attn_qkv.weight': (96, 32),
    'attn_out.weight': (32, 32), 'norm2.weight': (32, ),
    'mlp.0.weight': (128, 32), 'mlp.0.bias': (128, ),
    'mlp.2.weight': (32, 128), 'mlp.2.bias': (32, ),
    'adaLN_modulation.weight': (192, 16), 'adaLN_modulation.bias': (192, )}
SHAPES = {
    'pos_embed': (6, 32), 'vocab_embed.embedding': (6, 32),
    'sigma_map.mlp.0.weight': (16, 256), 'sigma_map.mlp.0.bias': (16, ),
    'sigma_map.mlp.2.weight': (16, 16), 'sigma_map.mlp.2.bias': (16, ),
    'rotary_emb.inv_freq': (4, ),
    **{f'blocks.{i}.{name}': shape for i in (0, 1)
       for name, shape in BLOCK.items()},
    'output_layer.norm_final.weight': (32, ),
    'output_layer.linear.weight': (6, 32), 'output_layer.linear.bias': (6, ),
    'output_layer.adaLN_modulation.weight': (64, 16),
    'output_layer.adaLN_modulation.bias': (64, )}
IDS = torch.tensor([[0, 1, 2, 3, 4, 2], [1, 0, 2, 3, 0, 0],
                    [4, 4, 1, 2, 0, 3]])
NOISY = torch.tensor([[0, 1, -1, -1, 4, 2], [-1, -1, -1, 3, -1, 0], [-1] * 6])
TIMES = torch.tensor([.3, .77, 1.])


def published():
    """Weights by a formula, under the names of the published code."""
    state = {}
    for i, (name, shape) in enumerate(sorted(SHAPES.items())):
        count = torch.Size(shape).numel()
        values = torch.sin(torch.arange(count).double() * .7 + i) * .5
        if 'norm' in name:
            values = 1 + values * .2
        state[name] = values.view(shape).float()
    return state


@pytest.fixture
def network():
    net = ScoreTransformer(6, 5, dim=32, depth=2, num_heads=4, time_dim=16)
    net.load_state_dict(prior_from_published(published()))
    return net.eval()


@torch.no_grad()
def test_outputs_are_those_of_the_published_code(network):
    """Its logarithms of scores, plus log(e^sigma - 1)."""
    logs = network(NOISY, LogLinearNoise(1e-3).sigma(TIMES))
    torch.testing.assert_close(logs[0, 2], torch.tensor([
        -4.352941989898682, 0.9752187728881836, -4.704373836517334,
        -0.17481040954589844, -2.5919742584228516]), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(logs[1, 4], torch.tensor([
        -3.8057332038879395, 0.5584836006164551, -4.486809730529785,
        -0.15733933448791504, -2.8415989875793457]), rtol=1e-5, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize(('row', 'wanted'), [
    (0, 28.382944107055664), (1, 29.070322036743164),
    (2, 23.609333038330078)])
def test_the_loss_is_that_of_the_published_code(network, row, wanted):
    class Fixed(ScoreEntropyDiffusion):
        """The published noise in place of a draw."""

        def add_noise(self, ids, t, rng):
            return NOISY[row:row + 1]

    process = Fixed(first=1 - 1e-7)  # whose only time is 1
    process.schedule.weight = lambda t: 1 / TIMES[row:row + 1]
    found = process.loss(
        lambda x, sigma: network(x, process.schedule.sigma(
            TIMES[row:row + 1])), IDS[row:row + 1],
        SampleRng.from_seed(0, [0]))
    torch.testing.assert_close(found['loss_code'], torch.tensor(wanted))


@torch.no_grad()
def test_a_step_is_that_of_the_published_code(network):
    """With known tokens hidden again; it clamps what is negative later."""
    noise = LogLinearNoise(1e-3)
    logs = network(NOISY, noise.sigma(torch.full((3, ), .4)))
    table = torch.cat(chances(
        logs.exp(), .1, _share(noise, .4, .4 - .05 - .1 * .6)), -1)
    torch.testing.assert_close(table[0, 2], torch.tensor([
        0.003564567072317004, 0.6261608004570007, 0.0025035031139850616,
        0.2302258014678955, 0.020590396597981453, 0.11695467680692673]),
        rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(table[1, 1], torch.tensor([
        0.0032171837519854307, 0.8867596387863159, 0.0014368152478709817,
        0.44568392634391785, 0.010674677789211273, 0.]),
        rtol=1e-5, atol=1e-6)


def test_other_files_are_refused():
    wrapped = {f'model.{name}': value for name, value in published().items()}
    assert prior_from_published(wrapped).keys() == (
        prior_from_published(published()).keys())
    with pytest.raises(ValueError, match='a SEDD has the tensor'):
        prior_from_published({'a': torch.zeros(1)})
    # A table of tokens for each place.
    state = published() | {'vocab_embed.embedding_table': torch.zeros(1)}
    with pytest.raises(KeyError, match='vocab_embed.embedding_table'):
        prior_from_published(state)


def test_of_perfect_scores_the_loss_is_the_entropy():
    found = ScoreEntropyDiffusion().loss(perfect, *of_the_data(20000))
    entropy = -(PROBS * PROBS.log()).sum()  # nats a code
    torch.testing.assert_close(found['loss_code'], entropy, rtol=.03, atol=0)


@pytest.mark.parametrize('factor', [.5, 3.])
def test_a_wrong_sum_costs_what_it_should(factor):
    """sum p - 1 - log p of each token, once over all times."""
    process, factor = ScoreEntropyDiffusion(), torch.tensor(factor)
    right, wrong = (process.loss(
        lambda x, t, add=add: perfect(x) + add, *of_the_data(20000))
        ['loss_code'] for add in (0., factor.log()))
    torch.testing.assert_close(
        wrong - right, NUM_TOKENS * (factor - 1 - factor.log()), rtol=.02,
        atol=0)


def drawn(denoiser=perfect, count=4000, seed=0, positions=None, **settings):
    process = ScoreEntropyDiffusion()
    rng = SampleRng.from_seed(
        seed, range(count) if positions is None else positions)
    return ScoreSampler(**settings)(
        partial(process.denoise, denoiser),
        torch.full((len(rng), NUM_TOKENS), HIDDEN), rng, process.schedule)


def test_perfect_scores_give_the_data_back():
    assert chi_square(drawn(num_steps=128), PROBS) < 1
    assert chi_square(drawn(num_steps=1), PROBS) > 1  # tokens are independent


def test_a_sum_above_one_reveals_earlier():
    """Of twice the scores: nearly all in the first half of the time."""
    seen = []

    def watched(factor, x, t):
        seen.append((x == HIDDEN).float().mean().item())
        return perfect(x) + torch.tensor(factor).log()

    drawn(partial(watched, 1.), num_steps=10)
    assert seen[5] == pytest.approx(.5, abs=.02)
    seen.clear()
    drawn(partial(watched, 2.), num_steps=10)
    # A step from t to s leaves 1 - 2 (t - s) / t: product (8/10) ... (4/6).
    assert seen[5] == pytest.approx(
        8 / 10 * 7 / 9 * 6 / 8 * 5 / 7 * 4 / 6, abs=.02)


def test_known_tokens_are_hidden_again_in_the_interval():
    hidden = {}

    def watched(x, t):
        hidden[round(t[0].item(), 4)] = (x == HIDDEN).float().mean().item()
        return perfect(x)

    class Process(ScoreEntropyDiffusion):
        def denoise(self, denoiser, x_t, time):
            return denoiser(x_t, torch.full((len(x_t), ), time))

    process = Process()
    rng = SampleRng.from_seed(0, range(4000))
    ids = ScoreSampler(10, eta=.5, interval=(.35, .45))(
        partial(process.denoise, watched),
        torch.full((4000, NUM_TOKENS), HIDDEN), rng, process.schedule)
    assert (ids >= 0).all()
    before, after = hidden[.4], hidden[.3]
    assert before == pytest.approx(.4, abs=.02)
    # Of known ones, half; of hidden ones, those that are not revealed when
    # time goes .1 + .5 * .6 further, which is to its end.
    assert after > (1 - before) * .5


def test_a_code_depends_on_its_stream_alone():
    settings = dict(num_steps=8, eta=.2)
    whole = drawn(count=40, **settings)
    assert torch.equal(drawn(positions=[31, 7], **settings), whole[[31, 7]])
    assert not torch.equal(drawn(count=40, seed=1, **settings), whole)


def test_it_trains_and_draws_as_a_prior():
    cfg = dict(
        type='CodeDiffuser',
        denoiser=dict(type='ScoreTransformer', num_tokens=3, num_codes=2,
                      dim=32, depth=2, num_heads=2),
        diffusion=dict(type='ScoreEntropyDiffusion'),
        sampler=dict(type='ScoreSampler', num_steps=32))
    with DefaultScope.overwrite_default_scope('rcg'):
        torch.manual_seed(0)
        prior = REPRESENTATION_DIFFUSERS.build(cfg)
        with pytest.raises(ValueError, match='needs the diffusion'):
            REPRESENTATION_DIFFUSERS.build(
                cfg | dict(diffusion=dict(type='AbsorbingDiffusion')))
        labelled = REPRESENTATION_DIFFUSERS.build(cfg | dict(
            num_classes=4, denoiser=cfg['denoiser'] | dict(context_dim=8)))
    optimizer = torch.optim.Adam(prior.parameters(), 5e-3)
    ids, _ = of_the_data(128)
    for step in range(60):
        rng = SampleRng.from_seed(step, range(128))
        loss = prior.loss(ids, rng)['loss_code']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    entropy = -(PROBS * PROBS.log()).sum()
    assert loss.item() == pytest.approx(entropy.item(), abs=.35)
    found = prior.eval().sample(SampleRng.from_seed(0, range(2000)))
    shares = numbers(found).bincount(minlength=8) / 2000
    # In total variation; of uniform codes it is .29.
    assert (shares - PROBS).abs().sum() / 2 < .22
    drawn = labelled.sample(SampleRng.from_seed(0, range(3)),
                            torch.tensor([0, 1, 3]))
    assert drawn.shape == (3, 3)


@pytest.mark.parametrize(('settings', 'said'), [
    (dict(num_steps=0), 'num_steps must be at least 1'),
    (dict(eta=2.), 'eta in'), (dict(last=0.), 'last in'),
    (dict(interval=(.5, .5)), 'interval must be')])
def test_settings_out_of_range(settings, said):
    with pytest.raises(ValueError, match=said):
        ScoreSampler(**settings)
    with pytest.raises(ValueError, match='known must be in'):
        ScoreEntropyDiffusion(known=0.)
    assert not hasattr(AbsorbingDiffusion().schedule, 'sigma')
