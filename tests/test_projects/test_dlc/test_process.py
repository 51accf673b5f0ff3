"""The absorbing process: its weight, its bound, and what it hides."""
import pytest
import torch

from rcg.projects.dlc.process import HIDDEN, AbsorbingDiffusion, MaskSchedule
from rcg.rng import SampleRng

from .codes import CODES, PROBS, perfect

SCHEDULES = 'linear', 'cosine'


def of_the_data(count):
    """``count`` codes of the distribution, and streams for them."""
    generator = torch.Generator().manual_seed(0)
    ids = CODES[torch.multinomial(PROBS, count, True, generator=generator)]
    return ids, SampleRng.from_seed(1, range(count))


@pytest.mark.parametrize('name', SCHEDULES)
def test_schedule(name):
    schedule = MaskSchedule(name)
    t = torch.linspace(0, 1, 1001, dtype=torch.double)
    hidden = schedule.hidden(t)
    assert hidden[0] == 0 and hidden[-1] == 1 and (hidden.diff() > 0).all()
    # The weight is the slope of the share over the share.
    middle = (t[1:] + t[:-1]) / 2
    torch.testing.assert_close(
        schedule.weight(middle) * schedule.hidden(middle),
        hidden.diff() / t.diff(), rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match="of .* got 'sigmoid'"):
        MaskSchedule('sigmoid')


@pytest.mark.parametrize('name', SCHEDULES)
def test_tokens_are_hidden_and_not_changed(name):
    process = AbsorbingDiffusion(name)
    ids = torch.arange(5).expand(4000, -1)
    t = torch.full((4000, ), .3)
    x_t = process.add_noise(ids, t, SampleRng.from_seed(0, range(4000)))
    assert ((x_t == ids) | (x_t == HIDDEN)).all()
    torch.testing.assert_close(
        (x_t == HIDDEN).float().mean(0),
        process.schedule.hidden(t[:5]), rtol=0, atol=.03)


@pytest.mark.parametrize('name', SCHEDULES)
def test_of_a_denoiser_that_sees_nothing_it_is_the_cross_entropy(name):
    """A token counts once over all times: the weight sums to the bound."""
    logits = torch.tensor([[.5, -1.], [0., 2.], [1., 1.5]])
    ids, rng = of_the_data(20000)
    found = AbsorbingDiffusion(name).loss(
        lambda x, t: logits.expand(len(x), -1, -1), ids, rng)
    exact = -logits.log_softmax(-1).expand(len(ids), -1, -1).gather(
        2, ids[..., None]).mean()
    torch.testing.assert_close(found['loss_tokens'], exact, rtol=.03, atol=0)


@pytest.mark.parametrize('name', SCHEDULES)
def test_of_a_perfect_denoiser_it_is_the_entropy(name):
    ids, rng = of_the_data(20000)
    found = AbsorbingDiffusion(name).loss(perfect, ids, rng)
    entropy = -(PROBS * PROBS.log()).sum() / 3  # nats a token
    torch.testing.assert_close(found['loss_tokens'], entropy, rtol=.03,
                               atol=0)
    assert .5 < found['token_accuracy'] < 1


def test_a_code_s_loss_depends_on_its_stream_alone():
    ids, rng = of_the_data(6)
    process = AbsorbingDiffusion()
    whole = process.loss(perfect, ids, rng)['loss_tokens']
    parts = [process.loss(perfect, ids[i:i + 1], SampleRng.from_seed(1, [i]))
             ['loss_tokens'] for i in range(6)]
    torch.testing.assert_close(torch.stack(parts).mean(), whole)
