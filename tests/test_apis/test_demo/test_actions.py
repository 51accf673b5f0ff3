"""What the buttons do, without the page."""
import numpy as np
import pytest
from PIL import Image

from rcg.apis.demo.actions import Actions
from rcg.apis.demo.models import Models
from rcg.apis.grid import GAP, LINE

SETTINGS = dict(guidance=0, temperature=1.5, steps=3)
DRAWING = dict(name='mage', num=3, seed=0, label='', **SETTINGS)


@pytest.fixture(scope='module')
def actions(runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp('uploads')
    for i, value in enumerate((0, 255)):
        Image.new('L', (16, 16), value).save(folder / f'{i}.png')
    return Actions(Models([str(runs)], 'cpu'), folder)


@pytest.fixture
def uploads(actions):
    return [str(actions.uploads / f'{i}.png') for i in (0, 1)]


def last(actions, **changes):
    return [*actions.sample(**DRAWING | changes)][-1]


def same(one, other):
    return np.array_equal(np.array(one), np.array(other))


def test_sampling_shows_its_steps(actions):
    *steps, (picture, film, text) = actions.sample(**DRAWING)
    assert [found[2] for found in steps] == [
        'step 1 of 3', 'step 2 of 3', 'step 3 of 3']
    assert not same(steps[0][0], steps[1][0])
    assert same(steps[-1][0], picture)
    assert text == '3 images, seed 0, steps 3, guidance 0, temperature 1.5'
    assert film.width > 3 * 64
    assert film.height > 3 * 64


def test_few_of_many_steps_are_shown(actions):
    found = [*actions.sample(**DRAWING | dict(num=1, steps=100))]
    assert len(found) == 26
    assert found[-2][2] == 'step 100 of 100'
    assert found[-1][1].width < 9 * 70


@pytest.mark.parametrize('change', [
    dict(seed=1), dict(num=4), dict(steps=2), dict(guidance=20),
    dict(temperature=30), dict(name='mage_uncond')])
def test_what_is_set_has_an_effect(actions, change):
    wanted = last(actions)[0]
    assert same(last(actions)[0], wanted)
    assert not same(last(actions, **change)[0], wanted)


def test_classes(actions):
    model = dict(name='mage_class_cond', num=2)
    in_turn = last(actions, **model)[0]
    assert not same(last(actions, **model, label='1')[0], in_turn)
    with pytest.raises(ValueError, match="no class is named 'eleven'"):
        last(actions, **model, label='eleven')


def test_what_a_model_lacks_is_left_out(actions):
    text = last(actions, name='mage_uncond', guidance=9)[2]
    assert text == '3 images, seed 0, steps 3, temperature 1.5'


def test_nearest(actions):
    picture, text = actions.nearest(**DRAWING)
    assert picture.width > 6 * 64
    assert 'nearer to a training image than 95 %' in text


def test_redrawing(actions, uploads):
    given = dict(name='mage', seed=0, **SETTINGS)
    one, _ = actions.reconstruct(upload=uploads[0], **given)
    several, text = actions.vary(upload=uploads[0], num=3, **given)
    other, _ = actions.vary(upload=uploads[1], num=3, **given)
    assert several.width > one.width
    assert not same(several, other)
    assert text == '3 drawn, seed 0, steps 3, guidance 0, temperature 1.5'


def test_interpolating(actions, uploads):
    given = dict(name='mage', seed=0, num=4, **SETTINGS)
    found, _ = actions.interpolate(first=uploads[0], last=uploads[1], **given)
    back, _ = actions.interpolate(first=uploads[1], last=uploads[0], **given)
    assert not same(found, back)
    with pytest.raises(ValueError, match='at least 2'):
        actions.interpolate(first=uploads[0], last=uploads[1],
                            **given | dict(num=1))


def test_comparing(actions):
    given = dict(num=2, seed=0, **SETTINGS)
    alike, _ = actions.compare(['mage', 'mage/iter_0.pth'], **given)
    found, text = actions.compare(['mage', 'mage_uncond'], **given)
    assert not same(alike, found)
    assert text.startswith('seed 0; mage, steps 3, guidance 0')
    # The same weights, the same seeds: the same images, below their titles.
    step = 64 + GAP + LINE
    first, second = (alike.crop((0, top + LINE, alike.width, top + step))
                     for top in (GAP, GAP + step))
    assert same(first, second)


@pytest.mark.parametrize(('change', 'reason'), [
    (dict(num=65), 'images must be'), (dict(steps=10**9), 'steps must be'),
    (dict(seed='a'), 'seed must be'), (dict(name='x'), 'there is no model')])
def test_limits_hold_without_the_page(actions, uploads, change, reason):
    drawing = DRAWING | change
    given = {key: drawing[key] for key in drawing if key != 'label'}
    for call in (
            lambda: [*actions.sample(**drawing)],
            lambda: actions.nearest(**drawing),
            lambda: actions.vary(upload=uploads[0], **given),
            lambda: actions.interpolate(first=uploads[0], last=uploads[1],
                                        **given),
            lambda: actions.compare([given['name']] * 2, **{
                key: given[key] for key in given if key != 'name'})):
        with pytest.raises(ValueError, match=reason):
            call()


def test_a_baseline_knows_no_images(actions, uploads):
    with pytest.raises(ValueError, match='choose an RCG model'):
        actions.reconstruct('mage_uncond', uploads[0], 0, **SETTINGS)
    with pytest.raises(ValueError, match='choose an RCG model'):
        actions.nearest(**DRAWING | dict(name='mage_uncond'))
