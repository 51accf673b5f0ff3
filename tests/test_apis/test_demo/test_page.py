"""The page in a real browser: every control does something that is seen.

It is skipped where gradio or Chromium is missing. Without Chromium,
test_handlers.py calls each control.
"""
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from http.client import HTTPConnection

import pytest
from PIL import Image

from rcg.apis.demo.limits import MAX_UPLOAD_BYTES
from tests.browser import CHROMIUM, Browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec('gradio') is None,
                       reason='gradio is not installed'),
    pytest.mark.skipif(CHROMIUM is None, reason='there is no Chromium')]


@pytest.fixture(scope='module')
def server(runs, tmp_path_factory):
    """A process, its address, and the folder of temporary files."""
    folder = tmp_path_factory.mktemp('served')
    process = subprocess.Popen(
        [sys.executable, 'tools/demo.py', str(runs), '--device', 'cpu'],
        env={**os.environ, 'TMPDIR': str(folder), 'PYTHONPATH': '.'},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        # A shell starts what is in the background without it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    text = ''
    while not (url := re.search(r'http://127\.0\.0\.1:\d+/', text)):
        line = process.stdout.readline()
        assert line, text
        text += line
    yield process, url[0], folder
    process.kill()
    process.wait()


class Page(Browser):
    """The page, and what its parts show."""

    def text(self, name):
        return self.run(f'document.querySelector("#{name}").innerText.trim()')

    def source(self, name='picture'):
        """Address of a picture, which has the hash of its content."""
        return self.until(f'(document.querySelector("#{name} img") || {{}})'
                          '.src')

    def press(self, name, wanted=None, told='told'):
        """Click; wait until a line is as wanted; return the picture."""
        self.run(f'document.querySelector("#{name}").click()')
        if wanted is not None:
            self.until(f'document.querySelector("#{told}").innerText.trim() '
                       f'.includes({wanted!r})')
        return self.source(told.replace('told', 'picture'))

    def set(self, name, value):
        self.type(f'#{name} input[type=number]', value)

    def value(self, name):
        return self.run(f'document.querySelector("#{name} input").value')

    def choose(self, name, option):
        """Click an option of a list, which typing has opened."""
        self.type(f'#{name} input', option, leave=False)
        place = self.until(
            '(() => { const found = [...document.querySelectorAll("[role='
            f'option]")].find(x => x.getAttribute("aria-label") == {option!r}'
            '); if (!found) return null; const box = found'
            '.getBoundingClientRect(); return {x: box.x + 9, y: box.y + 9}; '
            '})()')
        for kind in ('mousePressed', 'mouseReleased'):
            self.call('Input.dispatchMouseEvent', type=kind, button='left',
                      clickCount=1, **place)
        self.until(f'document.querySelector("#{name} input").value == '
                   f'{option!r}')

    def tab(self, title):
        self.run('[...document.querySelectorAll("[role=tab]")].find(x => '
                 f'x.innerText.trim() == {title!r}).click()')

    def toast(self, wanted):
        """The text of an error that appears; it is closed."""
        found = self.until(
            '[...document.querySelectorAll("[data-testid=toast-body]")].map('
            f'x => x.innerText).find(x => x.includes({wanted!r}))')
        self.run('document.querySelectorAll("[data-testid=toast-close]")'
                 '.forEach(x => x.click())')
        return found


@pytest.fixture(scope='module')
def page(server, tmp_path_factory):
    page = Page(tmp_path_factory.mktemp('browser'))
    page.open(server[1])
    page.until('!!document.querySelector("#sample")')
    page.set('images', 2)
    yield page
    page.close()


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('files')
    Image.new('L', (16, 16), 0).save(folder / 'black.png')
    Image.new('L', (40, 30), 255).save(folder / 'white.png')
    (folder / 'text.png').write_text('no image')
    with open(folder / 'large.png', 'wb') as file:
        file.truncate(MAX_UPLOAD_BYTES + 1)
    return folder


def test_settings_of_samples(page):
    first = page.press('sample', '2 images, seed 0, steps 3')
    film = page.source('film')
    for name, value, back in (('guidance', 20, 0), ('temperature', 30, 1.5),
                              ('steps', 2, 3), ('images', 3, 2)):
        told = f'{value} images' if name == 'images' else f'{name} {value}'
        page.set(name, value)
        assert page.press('sample', told) != first, name
        page.set(name, back)
    page.type('#seed input', 7)
    assert page.press('sample', '2 images, seed 7, steps 3') != first
    assert page.source('film') != film
    page.type('#seed input', 0)
    assert page.press('sample', '2 images, seed 0, steps 3') == first


def test_steps_are_seen_and_can_be_stopped(page):
    page.set('steps', 250)
    page.set('images', 64)
    page.press('sample', 'of 250')
    seen = {page.source() for _ in range(8) if not time.sleep(.2)}
    assert len(seen) > 1
    page.press('stop')
    time.sleep(1)
    told = page.text('told')
    assert re.search(r'step \d+ of 250$', told), told
    time.sleep(1)
    assert page.text('told') == told
    page.set('images', 2)
    page.set('steps', 3)
    page.press('sample', '2 images, seed 0, steps 3')  # the queue is free


def test_nearest_training_images(page):
    before = page.source()
    assert page.press('nearest', 'nearest training images') != before


def test_another_model_has_its_own_settings(page):
    before = page.press('sample', '2 images, seed 0, steps 3')
    page.choose('model', 'mage_uncond')
    page.until('document.querySelector("#temperature input").value == "4.5"')
    page.until('document.querySelector("#guidance input").disabled')
    assert page.press('sample', 'temperature 4.5') != before
    page.choose('model', 'mage_class_cond')
    page.until('!document.querySelector("#label textarea, #label input")'
               '.disabled')
    in_turn = page.press('sample', 'steps 3, guidance 0, temperature 1.5')
    page.type('#label textarea, #label input', '1')
    assert page.press('sample', 'class 1') != in_turn
    page.type('#label textarea, #label input', 'eleven')
    page.press('sample')
    assert "no class is named 'eleven'" in page.toast('no class')
    page.choose('model', 'mage')
    page.until('!document.querySelector("#guidance input").disabled')


def test_from_an_image(page, files):
    page.tab('From an image')
    page.run('document.querySelector("#vary").click()')
    page.toast('there is no image yet')
    page.give('#given input[type=file]', files / 'white.png')
    page.until('!!document.querySelector("#given a[href*=white]")')
    once = page.press('reconstruct', '1 drawn', 'told_image')
    assert page.press('vary', '2 drawn', 'told_image') != once


@pytest.mark.parametrize(('name', 'wanted'), [
    ('text.png', 'cannot identify the format'), ('large.png', 'size')])
def test_a_bad_upload_gets_a_sentence(page, files, name, wanted):
    page.tab('Between two images')
    page.give('#first input[type=file]', files / name)
    if name == 'text.png':
        page.until('!!document.querySelector("#first a[href*=text]")')
        page.give('#last input[type=file]', files / name)
        page.until('!!document.querySelector("#last a[href*=text]")')
        page.run('document.querySelector("#interpolate").click()')
    assert 'Traceback' not in page.toast(wanted)
    for end in ('first', 'last'):
        page.run(f'(document.querySelector("#{end} [aria-label=Clear], '
                 f'#{end} [aria-label=\\"Remove this file\\"]") || {{click()'
                 '{}}).click()')
        page.until(f'!!document.querySelector("#{end} input[type=file]")')


def test_between_two_images(page, files):
    page.tab('Between two images')
    page.give('#first input[type=file]', files / 'black.png')
    page.until('!!document.querySelector("#first a[href*=black]")')
    page.give('#last input[type=file]', files / 'white.png')
    page.until('!!document.querySelector("#last a[href*=white]")')
    assert page.press('interpolate', '2 drawn', 'told_between')


def test_two_checkpoints(page):
    page.tab('Compare')
    first = page.press('compare', 'mage/iter_0.pth', 'told_compare')
    page.choose('model_2', 'mage_uncond')
    assert page.press('compare', 'mage_uncond', 'told_compare') != first
    page.choose('model_1', 'mage_class_cond')
    page.press('compare', 'mage_class_cond', 'told_compare')


def test_nothing_is_asked_of_others(page, server):
    outside = [url for url in page.requests
               if not url.startswith((server[1], 'data:', 'blob:'))]
    assert len(page.requests) > 9
    assert not outside


def test_another_name_of_this_machine_is_refused(server):
    place = server[1].removeprefix('http://').rstrip('/')
    connection = HTTPConnection(place)
    connection.request('GET', '/', headers={'Host': 'elsewhere.example'})
    assert connection.getresponse().status == 400
    connection.close()


def test_ctrl_c_ends_it(server, page):
    """Last: in the midst of work, with a browser that looks on."""
    process, _, folder = server
    assert [*folder.glob('rcg-demo-*')]
    page.tab('Sample')
    page.set('steps', 250)
    page.press('sample', 'of 250')
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out.strip().endswith('the page is closed')
    assert 'Traceback' not in out
    assert not [*folder.glob('rcg-demo-*')]
