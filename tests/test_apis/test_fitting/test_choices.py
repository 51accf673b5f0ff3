"""What fit() decides by itself."""
import pytest

from rcg.apis.fitting.choices import (
    LEAST_STEPS,
    Cost,
    choose_dtype,
    choose_preset,
    choose_size,
    choose_steps,
    parse_time,
    round_down,
)


@pytest.mark.parametrize(('text', 'seconds'), [
    ('90s', 90), ('25m', 1500), ('1h30m', 5400), ('1.5h', 5400),
    ('2d', 172800), ('30', 1800)])
def test_times(text, seconds):
    assert parse_time(text) == seconds


@pytest.mark.parametrize('text', [
    '', 'm', '0s', '-5m', '5 m', '5x', 'nan', '1e3s', '9' * 400])
def test_no_times(text):
    with pytest.raises(ValueError, match='like 90s, 25m or 1h30m, got'):
        parse_time(text)


@pytest.mark.parametrize(('sides', 'size'), [
    ([16, 16], 32), ([40, 64, 80], 64), ([200, 300, 9], 128),
    ([256], 256), ([4000], 256)])
def test_sizes_suit_most_images(sides, size):
    assert choose_size(sides, on_gpu=True) == size
    assert choose_size(sides, on_gpu=False) == 32


@pytest.mark.parametrize(('size', 'preset'), [
    (16, 'tiny_32'), (32, 'tiny_32'), (48, 'small_64'), (64, 'small_64'),
    (65, 'base_128'), (256, 'base_256'), (512, 'base_256')])
def test_presets(size, preset):
    assert choose_preset(size, on_gpu=True) == preset
    assert choose_preset(size, on_gpu=False) == 'tiny_32'


COSTS = dict(encoder=Cost(.5, 1, 1), tokenizer=Cost(.2, 1, 1),
             rdm=Cost(.05, 1, 1), mage=Cost(1., 1, 1))


def clock(costs, steps, jobs):
    """Seconds that stages take: two at a time, MAGE alone."""
    took = {name: steps[name] * cost.seconds for name, cost in costs.items()}
    if jobs == 1:
        return sum(took.values())
    generators = [took[name] for name in took
                  if name.startswith(('mage', 'pixels'))]
    if 'tokenizer' not in took:
        return sum(took.values())
    return max(took.get('encoder', 0) + took['rdm'], took['tokenizer']) + (
        max(generators) + sum(generators[2:]))


@pytest.mark.parametrize('jobs', [1, 2])
@pytest.mark.parametrize('change', [
    {}, {'encoder': None}, {'mage_uncond': Cost(1.5, 1, 1)},
    {'mage_uncond': Cost(1., 1, 1), 'mage_class_cond': Cost(1., 1, 1)}])
def test_steps_fill_the_time(jobs, change):
    costs = {name: cost for name, cost in (COSTS | change).items() if cost}
    steps = choose_steps(costs, 10000, jobs)
    assert 7000 < clock(costs, steps, jobs) <= 10000
    assert len({steps[n] for n in steps if n.startswith('mage')}) == 1


@pytest.mark.parametrize('jobs', [1, 2])
@pytest.mark.parametrize('encoder', [True, False])
def test_without_a_tokenizer_the_generator_gets_its_time(jobs, encoder):
    costs = dict(rdm=COSTS['rdm'], pixels=Cost(2., 1, 1))
    if encoder:
        costs['encoder'] = COSTS['encoder']
    steps = choose_steps(costs, 10000, jobs, 'pixels')
    assert 9000 < clock(costs, steps, jobs) <= 10000
    assert steps['pixels'] * 2. > 6500


def test_there_are_some_steps_in_any_case():
    assert set(choose_steps(COSTS, 1, 2).values()) == {LEAST_STEPS}


def test_steps_are_round():
    assert [round_down(n) for n in (7, 99, 1234, 98765)] == [
        7, 99, 1200, 98000]


@pytest.mark.parametrize(('seconds', 'chosen', 'gain'), [
    (.5, 'bfloat16', 2.), (.86, 'bfloat16', 1.16), (.88, 'float32', 1.14),
    (3., 'float32', .33)])
def test_bfloat16_must_be_worth_it(seconds, chosen, gain):
    costs = {name: Cost(1., 1, 1, dict(float32=1., bfloat16=seconds))
             for name in ('rdm', 'mage', 'mage_uncond')}
    costs['tokenizer'] = Cost(7., 1, 1)
    found, factor = choose_dtype(costs, dict(rdm=1, mage=10, tokenizer=1000))
    assert (found, round(factor, 2)) == (chosen, gain)
    assert costs['mage'].seconds == (seconds if chosen == 'bfloat16' else 1.)
    assert costs['tokenizer'].seconds == 7.


def test_stages_weigh_as_much_as_their_steps():
    costs = dict(rdm=Cost(1., 1, 1, dict(float32=1., bfloat16=4.)),
                 mage=Cost(1., 1, 1, dict(float32=1., bfloat16=.5)))
    assert choose_dtype(costs, dict(rdm=1, mage=100))[0] == 'bfloat16'
    assert choose_dtype(costs, dict(rdm=100, mage=1))[0] == 'float32'
    assert choose_dtype(dict(mage=Cost(1., 1, 1)), dict(mage=1)) is None
