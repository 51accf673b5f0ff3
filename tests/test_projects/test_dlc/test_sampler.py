"""A perfect denoiser gives the data's distribution back."""
import itertools
from functools import partial

import pytest
import torch
from scipy.stats import chi2

from rcg.projects.dlc.process import (
    HIDDEN,
    AbsorbingDiffusion,
    MaskSchedule,
)
from rcg.projects.dlc.sampler import UnmaskingSampler, step_chances
from rcg.rng import SampleRng

from .codes import CODES, NUM_TOKENS, PROBS, numbers, perfect


def drawn(count=4000, schedule='linear', seed=0, positions=None, **settings):
    process = AbsorbingDiffusion(schedule)
    rng = SampleRng.from_seed(
        seed, range(count) if positions is None else positions)
    start = torch.full((len(rng), NUM_TOKENS), HIDDEN)
    return UnmaskingSampler(**settings)(
        partial(process.denoise, perfect), start, rng, process.schedule)


def enumerated(num_steps, eta=0., schedule='linear'):
    """The distribution of what is drawn, over all states of three tokens."""
    states = torch.tensor([*itertools.product((HIDDEN, 0, 1), repeat=3)])
    tokens = perfect(states).double().exp()  # (27, 3, 2)
    hidden = states == HIDDEN
    times = torch.linspace(1, 0, num_steps + 1).double()
    shares = MaskSchedule(schedule).hidden(times).tolist()
    chance = hidden.all(1).double()  # all are hidden at first
    for before, after in itertools.pairwise(shares):
        reveal, again = step_chances(before, after, eta)
        # Of each token (27, 3): to be hidden, 0 or 1 after the step.
        kept = torch.nn.functional.one_hot(states.clamp(min=0), 2)
        codes = torch.where(hidden[..., None], tokens * reveal,
                            kept * (1 - again))
        gone = torch.where(hidden, 1 - reveal, again)
        moves = torch.cat([gone[..., None], codes], 2)  # (27, 3, 3)
        a, b, c = moves.unbind(1)
        chance = torch.einsum('n,na,nb,nc->abc', chance, a, b, c).flatten()
    assert chance[hidden.any(1)].abs().max() < 1e-12
    return chance[~hidden.any(1)]  # in the order of CODES


def distance(*args, **kwargs):
    """In total variation, from the data."""
    return (enumerated(*args, **kwargs) - PROBS).abs().sum().item() / 2


@pytest.mark.parametrize('schedule', ['linear', 'cosine'])
@pytest.mark.parametrize('again', [0., 2.])
def test_a_random_order_gives_the_data_back(schedule, again):
    """Hiding ``again`` over the number of steps does not change that.

    Tokens that are revealed in one step are drawn as if independent. That is
    the only error, and it goes with one over the number of steps.
    """
    errors = [distance(steps, again / steps, schedule)
              for steps in (32, 64, 128)]
    assert errors[2] < .01
    for more, less in itertools.pairwise(errors):
        assert less == pytest.approx(more / 2, rel=.1)


def test_the_error_is_noticed():
    assert distance(1) > .2  # all are drawn as if independent
    assert distance(512, 1.) > .01  # known ones are hidden by the dozen


def chi_square(ids, probs):
    """The statistic over its 99.9 % quantile if the distribution is right."""
    counts = numbers(ids).bincount(minlength=len(CODES)).double()
    expected = probs.double() * len(ids)
    found = ((counts - expected)**2 / expected).sum().item()
    return found / chi2.ppf(.999, len(CODES) - 1)


@pytest.mark.parametrize('schedule', ['linear', 'cosine'])
@pytest.mark.parametrize('eta', [0., .5])
def test_samples_are_those_that_were_enumerated(schedule, eta):
    ids = drawn(schedule=schedule, num_steps=5, eta=eta)
    assert chi_square(ids, enumerated(5, eta, schedule)) < 1
    assert chi_square(ids, PROBS) > 1


def test_a_perfect_denoiser_gives_the_data_back():
    assert chi_square(drawn(num_steps=128), PROBS) < 1
    assert chi_square(drawn(num_steps=128, eta=.02), PROBS) < 1
    # What is likely is preferred.
    assert chi_square(drawn(num_steps=3, order='confidence'), PROBS) > 1


@pytest.mark.parametrize('eta', [0., .3, 1.])
def test_the_share_of_hidden_tokens_is_that_of_the_process(eta):
    """Exactly: by induction over the steps, whatever is hidden again."""
    times = torch.linspace(1, 0, 11).double()
    for schedule in ('linear', 'cosine'):
        shares = AbsorbingDiffusion(schedule).schedule.hidden(times).tolist()
        for before, after in itertools.pairwise(shares):
            reveal, again = step_chances(before, after, eta)
            assert 0 <= again <= eta and 0 < reveal <= 1 + 1e-12
            hidden = before * (1 - reveal) + (1 - before) * again
            assert hidden == pytest.approx(after, abs=1e-12)


@pytest.mark.parametrize('eta', [0., .5])
def test_one_token_exactly(eta):
    """All states of a single token, enumerated, in few steps."""
    p = torch.tensor([.2, .7, .1], dtype=torch.double)
    state = torch.tensor([0, 0, 0, 1], dtype=torch.double)  # the last: hidden
    shares = torch.linspace(1, 0, 6).tolist()
    for before, after in itertools.pairwise(shares):
        reveal, again = step_chances(before, after, eta)
        step = torch.eye(4).double() * (1 - again)  # from row to column
        step[:, 3] += again
        step[3] = torch.cat([p * reveal, torch.tensor([1 - reveal])])
        state = state @ step
        torch.testing.assert_close(state[3].item(), after)
        torch.testing.assert_close(state[:3], p * (1 - after))


@pytest.mark.parametrize('settings', [
    dict(num_steps=8), dict(num_steps=8, eta=.5),
    dict(num_steps=3, order='confidence', temperature=2.)])
def test_a_code_depends_on_its_stream_alone(settings):
    whole = drawn(40, **settings)
    assert torch.equal(drawn(positions=[31, 7], **settings), whole[[31, 7]])
    assert torch.equal(drawn(40, **settings), whole)
    assert not torch.equal(drawn(40, seed=1, **settings), whole)
    assert (whole >= 0).all()


def test_eta_acts_in_its_interval():
    late = drawn(40, num_steps=8, eta=.5, interval=(.1, .2))
    assert torch.equal(late, drawn(40, num_steps=8, eta=0.))  # no step there
    assert not torch.equal(late, drawn(40, num_steps=8, eta=.5,
                                       interval=(.1, .3)))


def test_known_tokens_stay_without_eta():
    process = AbsorbingDiffusion()
    start = CODES.masked_fill(torch.tensor([True, False, True]), HIDDEN)
    for order in ('random', 'confidence'):
        found = UnmaskingSampler(num_steps=4, order=order)(
            partial(process.denoise, perfect), start,
            SampleRng.from_seed(0, range(8)), process.schedule)
        assert torch.equal(found[:, 1], CODES[:, 1])


def test_settings():
    for settings, message in (
            (dict(num_steps=0), 'num_steps must be at least 1'),
            (dict(eta=1.5), r'eta in \[0, 1\]'),
            (dict(order='left'), "order must be one of .* got 'left'"),
            (dict(temperature=1.), "of the order 'confidence'"),
            (dict(interval=(.5, .5)), r'interval must be .* got \(0.5, 0.5'),
            (dict(order='confidence', eta=.1), "of the order 'random'")):
        with pytest.raises(ValueError, match=message):
            UnmaskingSampler(**settings)
