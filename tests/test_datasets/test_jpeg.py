"""JPEG files: OpenCV decodes those that it decodes as Pillow does."""
import io
import random

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from rcg.datasets import jpeg
from rcg.datasets.jpeg import agrees, decode_jpeg
from rcg.datasets.reading import UNREADABLE, decode_image, read_image, to_rgb

# Where the builds differ, Pillow decodes everything, and the other tests hold.
needs_opencv = pytest.mark.skipif(
    not agrees(), reason='OpenCV decodes to other pixels here')


def picture(width=64, height=48, seed=0):
    values = np.random.default_rng(seed).integers(
        0, 256, (max(1, height // 8), max(1, width // 8), 3), np.uint8)
    return Image.fromarray(values).resize((width, height), Image.BICUBIC)


def encoded(image, **options):
    file = io.BytesIO()
    image.save(file, 'JPEG', **options)
    return file.getvalue()


def by_pillow(content):
    return np.array(Image.open(io.BytesIO(content)).convert('RGB'))


def decoded(content):
    with Image.open(io.BytesIO(content)) as image:
        return decode_jpeg(image)


@needs_opencv
@pytest.mark.parametrize('name', ['411', '420', '422', '440', '444'])
@pytest.mark.parametrize('size', [(1, 1), (97, 33)])
def test_colors_in_less_resolution(size, name):
    number = getattr(cv2, f'IMWRITE_JPEG_SAMPLING_FACTOR_{name}')
    assert number in jpeg._SAMPLINGS
    content = cv2.imencode('.jpg', np.array(picture(*size)), [
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR, number])[1].tobytes()
    assert np.array_equal(decoded(content), by_pillow(content))


@needs_opencv
@pytest.mark.parametrize('size', [(1, 1), (8, 8), (97, 33), (500, 375)])
@pytest.mark.parametrize('options', [
    dict(quality=95, subsampling=0), dict(quality=75), dict(quality=5),
    dict(quality=100), dict(subsampling=1), dict(restart_marker_blocks=2),
    dict(optimize=True), dict(keep_rgb=True)])
@pytest.mark.parametrize('mode', ['RGB', 'L'])
def test_pixels_are_those_of_pillow(size, options, mode):
    content = encoded(picture(*size).convert(mode), **options)
    pixels = decoded(content)
    assert pixels.dtype == np.uint8 and pixels.flags.writeable
    assert np.array_equal(pixels, by_pillow(content))


@pytest.mark.parametrize('content', [
    encoded(picture(), progressive=True), encoded(picture().convert('CMYK')),
    encoded(picture()) + b'\n', encoded(picture())[:-2],
    encoded(picture())[:900], encoded(picture())[:-2] + b'\xff\xda\xff\xd9'])
def test_the_rest_is_left_to_pillow(content):
    assert decoded(content) is None


def test_other_formats_are_left_to_pillow():
    file = io.BytesIO()
    picture().save(file, 'PNG')
    assert decoded(file.getvalue()) is None
    assert decode_jpeg(picture()) is None
    with Image.open(io.BytesIO(encoded(picture()))) as image:
        image.load()
        assert decode_jpeg(image) is None


def test_files_that_were_cut_off_are_refused(tmp_path):
    content = encoded(picture(200, 100))
    for length in range(700, len(content), 97):
        path = tmp_path / f'{length}.jpg'
        path.write_bytes(content[:length])
        with pytest.raises(UNREADABLE):
            read_image(str(path))


@needs_opencv
def test_what_stands_in_a_scan_is_not_filled_up():
    """A marker in the middle: OpenCV would return half an image."""
    content = bytearray(encoded(picture()))
    middle = content.rfind(b'\xff\xda') + 200
    content[middle:middle + 2] = b'\xff\x42'
    assert cv2.imdecode(np.frombuffer(content, np.uint8), 1) is not None
    with pytest.raises(UNREADABLE), decode_image(bytes(content)) as image:
        to_rgb(image)


def test_damaged_files_are_read_as_pillow_reads_them(monkeypatch):
    """Whatever is damaged: the same pixels, or refused by both."""
    random.seed(0)
    whole = [encoded(picture()), encoded(picture(40, 40), subsampling=0),
             encoded(picture().convert('L')),
             encoded(picture(97, 33), progressive=True)]
    for _ in range(400):
        content = bytearray(random.choice(whole))
        place = random.randrange(len(content) - 30)
        noise = bytes(random.randrange(256) for _ in range(4))
        content[place:place + random.randrange(9)] = noise[
            :random.randrange(5)]
        found = []
        for decoder in ('', 'pillow'):
            monkeypatch.setenv('RCG_JPEG', decoder)
            try:
                with decode_image(bytes(content)) as image:
                    found.append(to_rgb(image))
            except UNREADABLE as error:
                found.append(np.array(str(error)))
        assert np.array_equal(*found)


@pytest.mark.parametrize('decoder', ['', 'pillow'])
@pytest.mark.parametrize('tag', range(10))
def test_every_orientation(monkeypatch, decoder, tag):
    monkeypatch.setenv('RCG_JPEG', decoder)
    exif = Image.Exif()
    exif[0x0112] = tag
    content = encoded(picture(40, 24), exif=exif)
    wanted = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    for upright, image in ((True, wanted),
                           (False, Image.open(io.BytesIO(content)))):
        with decode_image(content) as opened:
            pixels = to_rgb(opened, upright)
        assert pixels.flags.c_contiguous
        assert np.array_equal(pixels, np.array(image))


@needs_opencv
def test_the_switch(monkeypatch):
    content = encoded(picture())
    assert decoded(content) is not None
    monkeypatch.setenv('RCG_JPEG', 'pillow')
    assert decoded(content) is None


@pytest.mark.parametrize('change', [None, lambda x: x ^ 1, lambda x: x[1:]])
def test_an_opencv_with_other_pixels_is_not_used(monkeypatch, change):
    real = jpeg._decode
    monkeypatch.setattr(jpeg, '_decode', lambda content: (
        None if change is None else change(real(content))))
    assert not agrees.__wrapped__()


def test_an_old_opencv_is_not_used(monkeypatch):
    monkeypatch.setattr(jpeg, '_FLAGS', None)
    assert not agrees.__wrapped__()


def test_errors_of_opencv_are_left_to_pillow(monkeypatch):
    def fail(*args):
        raise cv2.error('no memory')

    monkeypatch.setattr(cv2, 'imdecode', fail)
    assert jpeg._decode(encoded(picture())) is None
