import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from rcg.datasets.reading import (
    UNREADABLE,
    decode_image,
    open_image,
    read_image,
    to_rgb,
    used_bits,
)

RGB = np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8)
GRAY = RGB[..., 0]


def saved(tmp_path, image, name='x.png', **options):
    path = tmp_path / name
    image.save(path, **options)
    return str(path)


@pytest.mark.parametrize('name', ['x.png', 'x.bmp', 'x.tif', 'x.ppm',
                                  'x.webp'])
def test_lossless_formats(tmp_path, name):
    path = saved(tmp_path, Image.fromarray(RGB), name,
                 **({'lossless': True} if name == 'x.webp' else {}))
    image = read_image(path)
    assert image.dtype == np.uint8
    assert (image == RGB).all()


def test_jpeg_is_decoded_as_pillow_decodes_it(tmp_path):
    path = saved(tmp_path, Image.fromarray(RGB), 'x.JPEG', format='JPEG')
    assert (read_image(path) == np.array(Image.open(path))).all()


def test_gray_and_bilevel(tmp_path):
    wanted = np.repeat(GRAY[..., None], 3, -1)
    assert (read_image(saved(tmp_path, Image.fromarray(GRAY))) ==
            wanted).all()
    bits = GRAY > 100
    image = read_image(saved(tmp_path, Image.fromarray(bits)))
    assert (image == np.repeat(bits[..., None], 3, -1) * 255).all()


def test_palette(tmp_path):
    picture = Image.fromarray(RGB).quantize(256)
    path = saved(tmp_path, picture, 'x.gif')
    assert (read_image(path) == np.array(picture.convert('RGB'))).all()


def test_cmyk(tmp_path):
    path = saved(tmp_path, Image.fromarray(RGB).convert('CMYK'), 'x.tif')
    assert (read_image(path) == np.array(
        Image.open(path).convert('RGB'))).all()


def test_transparency_is_blended_over_white(tmp_path, recwarn):
    alpha = np.full((6, 5, 1), 255, np.uint8)
    alpha[:3] = 0
    wanted = RGB.copy()
    wanted[:3] = 255
    path = saved(tmp_path, Image.fromarray(np.concatenate([RGB, alpha], -1)))
    assert (read_image(path) == wanted).all()
    # A palette with transparency: Pillow warns unless converted by way of
    # RGBA.
    palette = Image.fromarray(RGB).quantize(4)
    path = saved(tmp_path, palette, transparency=bytes([0, 255, 255, 255]))
    image = read_image(path)
    assert (image[np.array(palette) == 0] == 255).all()
    assert not recwarn.list


def test_sixteen_bit_gray_keeps_the_high_byte(tmp_path):
    deep = GRAY.astype(np.uint16) * 256 + 17
    for name in ('x.png', 'x.tif'):
        image = read_image(saved(tmp_path, Image.fromarray(deep), name))
        assert (image == np.repeat(GRAY[..., None], 3, -1)).all()


@pytest.mark.parametrize('bits', [8, 12, 14])
@pytest.mark.parametrize('name', ['x.png', 'x.tif'])
def test_fewer_bits_in_files_of_sixteen(tmp_path, bits, name):
    deep = GRAY.astype(np.uint16) << (bits - 8)
    path = saved(tmp_path, Image.fromarray(deep), name)
    wanted = np.repeat(GRAY[..., None], 3, -1)
    assert (read_image(path, bits=bits) == wanted).all()
    with pytest.raises(ValueError, match=(
            f'up to {deep.max()}, which {bits - 1} bits do not hold')):
        read_image(path, bits=bits - 1)


def test_which_bits_are_used(tmp_path):
    def bits(image, name='x.png'):
        with open_image(saved(tmp_path, image, name)) as opened:
            return used_bits(opened)

    for largest, wanted in ((0, 8), (255, 8), (256, 10), (1023, 10),
                            (2000, 12), (4095, 12), (4096, 14),
                            (16384, 16), (65535, 16)):
        values = np.zeros((3, 2), np.uint16)
        values[1, 1] = largest
        assert bits(Image.fromarray(values)) == wanted
        assert bits(Image.fromarray(values), 'x.tif') == wanted
    assert bits(Image.fromarray(RGB)) is None
    assert bits(Image.fromarray(GRAY)) is None
    # Of colors Pillow has the upper 8 bits alone.
    deep = cv2.imencode('.png', RGB.astype(np.uint16) << 4)[1]
    (tmp_path / 'colors.png').write_bytes(deep.tobytes())
    with open_image(str(tmp_path / 'colors.png')) as opened:
        assert used_bits(opened) == 12


def test_pixels_of_unknown_range_are_refused(tmp_path):
    path = saved(tmp_path, Image.fromarray(GRAY.astype(np.float32)), 'x.tif')
    with pytest.raises(ValueError, match='no known range'):
        read_image(path)
    deep = Image.fromarray(GRAY.astype(np.int32) * 10**6)
    with pytest.raises(ValueError, match='no known range'):
        read_image(saved(tmp_path, deep, 'y.tif'))


def test_photographs_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise
    path = saved(tmp_path, Image.fromarray(RGB), exif=exif)
    assert (read_image(path) == np.rot90(RGB, -1)).all()
    assert (read_image(path, upright=False) == RGB).all()


def test_first_picture_of_an_animation(tmp_path):
    frames = [Image.new('RGB', (4, 4), c) for c in ('red', 'blue')]
    path = saved(tmp_path, frames[0], 'x.gif', save_all=True,
                 append_images=frames[1:])
    assert (read_image(path) == [255, 0, 0]).all()


@pytest.mark.parametrize('content', [b'', b'not an image', None])
def test_damaged_files_raise_what_is_caught(tmp_path, content):
    path = tmp_path / 'x.png'
    Image.fromarray(RGB).save(path)
    # None: cut off in the middle.
    path.write_bytes(path.read_bytes()[:80] if content is None else content)
    with pytest.raises(UNREADABLE):
        read_image(str(path))
    with pytest.raises(UNREADABLE):
        read_image(str(tmp_path / 'missing.png'))


@pytest.mark.parametrize('suffix', ['jpg', 'png', 'webp', 'tif'])
def test_a_header_is_parsed_once(tmp_path, monkeypatch, suffix):
    """And tags are not written anew, which Pillow does to turn an image."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / f'a.{suffix}'
    Image.fromarray(RGB).save(path, exif=exif)
    with Image.open(path) as image:
        wanted = np.array(ImageOps.exif_transpose(image).convert('RGB'))
    calls = []
    for owner, name in ((Image, 'open'), (Image.Exif, 'load'),
                        (Image.Exif, 'tobytes')):
        real = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *args, _real=real, _name=name,
                            **kwargs: (calls.append(_name),
                                       _real(*args, **kwargs))[1])
    assert (read_image(str(path)) == wanted).all()
    if suffix != 'tif':  # Pillow turns these when it decodes them
        assert calls.count('open') == calls.count('load') == 1
        assert 'tobytes' not in calls


@pytest.mark.parametrize('mode', ['RGB', 'P', 'LA'])
def test_every_orientation(mode):
    image = Image.fromarray(RGB).convert(mode)
    for tag in range(10):
        exif = Image.Exif()
        exif[0x0112] = tag
        buffer = io.BytesIO()
        image.save(buffer, 'png', exif=exif)
        with decode_image(buffer.getvalue()) as opened:
            found = to_rgb(opened)
        opened = ImageOps.exif_transpose(Image.open(buffer)).convert('RGB')
        assert (found == np.array(opened)).all(), tag
