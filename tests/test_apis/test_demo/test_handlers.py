"""Each control of the page by Gradio's client, where there is no browser.

The client sends what a browser sends. It may call no private action, so the
page is built here with its actions open.
"""
import numpy as np
import pytest
from PIL import Image

pytest.importorskip('gradio')
from gradio_client import Client, handle_file  # noqa: E402
from gradio_client.exceptions import AppError  # noqa: E402

from rcg.apis.demo import page  # noqa: E402
from rcg.apis.demo.models import Models  # noqa: E402
from rcg.apis.demo.serve import _QUIET  # noqa: E402

pytestmark = pytest.mark.slow
GIVEN = 0, 0, 1.5, 3  # seed, guidance, temperature, steps
DRAWING = 'mage', 2, *GIVEN, ''


class Visitor:
    """Presses buttons of the page, which have names."""

    def __init__(self, blocks, url):
        self.client = Client(url, verbose=False)
        self.index = {
            blocks.blocks[block].elem_id: number
            for number, fn in blocks.fns.items()
            for block, event in fn.targets if fn.fn is not None}

    def press(self, name, *values):
        """What the last step of an action shows: pictures as arrays."""
        shown = self.client.predict(*values, fn_index=self.index[name])
        return [np.array(Image.open(value)) if str(value).endswith('.png')
                else value for value in shown]


@pytest.fixture(scope='module')
def visitor(runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp('uploads')
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**_QUIET, 'GRADIO_TEMP_DIR': folder}.items():
            patch.setenv(name, str(value))
        patch.setitem(page._QUEUED, 'api_visibility', 'undocumented')
        blocks, url = page.launch(Models([str(runs)], 'cpu'), folder,
                                  '127.0.0.1', None, ['127.0.0.1'])
        yield Visitor(blocks, url)
        blocks.close(verbose=False)


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('files')
    for name, value in (('black', 0), ('white', 255)):
        Image.new('L', (16, 16), value).save(folder / f'{name}.png')
    (folder / 'text.png').write_text('no image')
    return {path.stem: handle_file(str(path)) for path in folder.iterdir()}


def test_every_action_is_called_below(visitor):
    assert visitor.index.keys() == {
        'sample', 'nearest', 'reconstruct', 'vary', 'interpolate', 'compare',
        'model'}


def test_sample(visitor):
    picture, film, told = visitor.press('sample', *DRAWING)
    assert told == '2 images, seed 0, steps 3, guidance 0, temperature 1.5'
    assert film.shape[1] > 3 * 64
    again, *_ = visitor.press('sample', *DRAWING)
    assert np.array_equal(again, picture)
    other, *_ = visitor.press('sample', 'mage', 2, 7, *GIVEN[1:], '')
    assert not np.array_equal(other, picture)


def test_nearest(visitor):
    picture, told = visitor.press('nearest', *DRAWING)
    assert picture.shape[1] > 6 * 64
    assert 'nearest training images' in told


def test_from_an_image(visitor, files):
    one, told = visitor.press('reconstruct', 'mage', files['white'], *GIVEN)
    assert told.startswith('1 drawn, seed 0')
    more, _ = visitor.press('vary', 'mage', files['white'], 2, *GIVEN)
    assert more.shape[1] > one.shape[1]


def test_between_two_images(visitor, files):
    there, told = visitor.press(
        'interpolate', 'mage', files['black'], files['white'], 3, *GIVEN)
    assert told.startswith('3 drawn')
    back, _ = visitor.press(
        'interpolate', 'mage', files['white'], files['black'], 3, *GIVEN)
    assert not np.array_equal(there, back)


def test_compare(visitor):
    picture, told = visitor.press(
        'compare', 'mage', 'mage_class_cond', 2, *GIVEN)
    assert 'mage_class_cond' in told
    other, _ = visitor.press('compare', 'mage', 'mage_uncond', 2, *GIVEN)
    assert not np.array_equal(picture, other)


def test_another_model_has_its_own_settings(visitor):
    guidance, temperature, steps, label = visitor.press(
        'model', 'mage_uncond')
    assert not guidance['interactive'] and temperature['value'] == 4.5
    assert steps == 3 and not label['interactive']
    *_, label = visitor.press('model', 'mage_class_cond')
    assert label['interactive']


@pytest.mark.parametrize(('name', 'values', 'reason'), [
    ('sample', ('mage', 65, *GIVEN, ''), 'greater than maximum value 64'),
    ('sample', ('mage', 2, -1, *GIVEN[1:], ''), 'seed must be'),
    ('sample', ('none', 2, *GIVEN, ''), 'not in the list of choices'),
    ('nearest', ('mage_uncond', 2, *GIVEN, ''), 'choose an RCG model'),
    ('vary', ('mage', None, 2, *GIVEN), 'there is no image yet'),
    ('compare', ('mage', 'none', 2, *GIVEN), 'not in the list of')])
def test_what_is_wrong_gets_a_sentence(visitor, name, values, reason):
    with pytest.raises(AppError, match=reason):
        visitor.press(name, *values)


def test_a_bad_upload_gets_a_sentence(visitor, files):
    with pytest.raises(AppError, match='cannot identify the format'):
        visitor.press('reconstruct', 'mage', files['text'], *GIVEN)
