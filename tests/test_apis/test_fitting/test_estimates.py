"""What fit() says of the time before it trains."""
import pytest

from rcg.apis.fitting.choices import Cost
from rcg.apis.fitting.estimates import estimates, training_time
from rcg.apis.fitting.plan import Plan


def plan(device='cpu', seconds=600, **options):
    return Plan('images', 32, seconds, 'tiny_32', device, **options)


SECONDS = dict(encoder=40, tokenizer=100, rdm=30, mage=200)


@pytest.mark.parametrize(('options', 'changes', 'total'), [
    # Encoder and RDM beside the tokenizer, then MAGE alone.
    ({}, {}, 300), ({}, dict(rdm=80), 320),
    (dict(device='cuda'), {}, 370),
    (dict(baseline=True), dict(mage_uncond=220), 320),
    (dict(baseline=True, class_cond=True),
     dict(mage_uncond=220, mage_class_cond=50), 370)])
def test_stages_beside_each_other_count_once(options, changes, total):
    assert training_time(plan(**options), SECONDS | changes) == total


def test_a_pretrained_encoder_and_no_tokenizer():
    seconds = dict(rdm=30, pixels=200)
    chosen = plan(encoder=dict(type='Timm'), generator='pixels')
    assert training_time(chosen, seconds) == 230


@pytest.mark.parametrize(('device', 'total', 'beside'), [
    ('cpu', '6.0', True), ('cuda', '7.2', False)])
def test_the_table_says_what_it_is_in_all(device, total, beside):
    costs = {name: Cost(value / 10, 500, 30)
             for name, value in SECONDS.items()}
    steps = dict.fromkeys(costs, 10)
    lines = estimates(plan(device), costs, steps, steps, 60.)
    assert lines[1].split() == ['encoder', '10', '0.7', '500', '30']
    assert lines[-2].split() == ['all', 'the', 'rest', '1.0']
    assert lines[-1].split()[:3] == ['all', 'together', total + ',' * beside]
    assert ('two stages train at a time' in lines[-1]) == beside


@pytest.mark.parametrize('encoder', [None, dict(type='Timm')])
def test_stages_that_train_alone_are_not_beside_each_other(encoder):
    # Sums of these depend on the order of the terms.
    costs = dict(rdm=Cost(.1, 1, 1), pixels=Cost(.1, 1, 1))
    if encoder is None:
        costs['encoder'] = Cost(.4, 1, 1)
    steps = dict.fromkeys(costs, 1)
    lines = estimates(plan(generator='pixels', encoder=encoder), costs, steps,
                      steps, .7)
    assert lines[-1].split()[:2] == ['all', 'together']
    assert 'at a time' not in lines[-1]


def test_too_little_time_is_said():
    costs = {name: Cost(1., 500, 30) for name in SECONDS}
    steps = dict.fromkeys(costs, 20)
    *_, more, few = estimates(
        plan(seconds=30), costs, steps,
        dict(encoder=200, tokenizer=201, rdm=100, mage=4000), 60.)
    assert more.startswith('This is more than the 0.5 minutes')
    assert few.startswith('Expect poor samples')
    assert few.endswith('(tokenizer 20 of 201, mage 20 of 4,000). '
                        'Give more --time.')
