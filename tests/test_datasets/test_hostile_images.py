"""Images that would take all memory, or never end, are bad files."""
import io
import os
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from rcg.datasets import ImageFolder
from rcg.datasets.image_files import inspect_file, inspect_folder
from rcg.datasets.reading import (
    MAX_PIXELS,
    MAX_SCANNED_PIXELS,
    UNREADABLE,
    read_image,
)
from rcg.datasets.survey import inspect

SIDE = int(MAX_PIXELS ** .5)


def png(width, height, depth=8, color=2, more=b''):
    def chunk(kind, body):
        return (struct.pack('>I', len(body)) + kind + body
                + struct.pack('>I', zlib.crc32(kind + body)))
    head = struct.pack('>IIBBBBB', width, height, depth, color, 0, 0, 0)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + more
            + chunk(b'IDAT', zlib.compress(bytes(10_000)))
            + chunk(b'IEND', b''))


def saved(format, mode='RGB', size=(300, 200), **options):
    content = io.BytesIO()
    Image.new(mode, size, 1).save(content, format, **options)
    return bytearray(content.getvalue())


def patched(content, old, new):
    assert content.count(old) >= 1
    return content.replace(old, new, 1)


def both(form, width, height):
    return struct.pack(form, width, height)


def of_size(kind, width, height):
    """A small file that says it has so many pixels."""
    exif = Image.Exif()
    exif[0x0112] = 6
    if kind.startswith('png'):
        depth, color = {'png': (8, 2), 'png_palette': (8, 3), 'png_16':
                        (16, 0), 'png_rgba': (8, 6), 'png_bits': (1, 0),
                        'png_gray_alpha': (16, 4)}[kind]
        return png(width, height, depth, color)
    if kind.startswith('jpeg'):
        options = {'jpeg': {}, 'jpeg_progressive': {'progressive': True},
                   'jpeg_exif': {'exif': exif}, 'jpeg_cmyk': {},
                   'jpeg_gray': {}}[kind]
        mode = {'jpeg_cmyk': 'CMYK', 'jpeg_gray': 'L'}.get(kind, 'RGB')
        return patched(saved('JPEG', mode, **options),
                       both('>HH', 200, 300), both('>HH', height, width))
    if kind == 'gif':
        content = saved('GIF', 'P', save_all=True, append_images=[
            Image.new('P', (300, 200), 3)])
        return patched(content, both('<HH', 300, 200),
                       both('<HH', width, height))
    if kind == 'bmp':
        return patched(saved('BMP'), both('<ii', 300, 200),
                       both('<ii', width, height))
    if kind == 'ppm':
        return patched(saved('PPM'), b'300 200', f'{width} {height}'.encode())
    if kind == 'jp2':
        return saved('JPEG2000').replace(both('>II', 300, 200), both(
            '>II', width, height)).replace(both('>II', 200, 300), both(
                '>II', height, width))
    if kind == 'tiff':
        content = saved('TIFF')
        for tag, old, new in ((256, 300, width), (257, 200, height)):
            head = struct.pack('<HHI', tag, 4, 1)
            content = patched(content, head + struct.pack('<I', old),
                              head + struct.pack('<I', new))
        return content
    content = saved('WEBP', save_all=True, append_images=[
        Image.new('RGB', (300, 200), (9, 200, 30))])
    return patched(content, _minus_one(300, 200), _minus_one(width, height))


def _minus_one(width, height):
    """The size of a WebP canvas: two numbers of 24 bits."""
    return b''.join(struct.pack('<I', n - 1)[:3] for n in (width, height))


KINDS = ['png', 'png_palette', 'png_16', 'png_rgba', 'png_bits',
         'png_gray_alpha', 'jpeg', 'jpeg_progressive', 'jpeg_exif',
         'jpeg_cmyk', 'jpeg_gray', 'gif', 'bmp', 'ppm', 'jp2', 'tiff',
         'webp']


@pytest.mark.parametrize('kind', KINDS)
def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path, kind):
    path = str(tmp_path / 'x.png')  # a name does not bind the decoder
    for size in ((SIDE + 1, SIDE), (SIDE, SIDE + 1), (13376, 13376),
                 (16000, 16000)):
        with open(path, 'wb') as file:
            file.write(of_size(kind, *size))
        tracemalloc.start()
        with pytest.raises(UNREADABLE) as caught:
            read_image(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 10e6
        if size != (16000, 16000):  # Pillow has a word for these
            assert f'at most {MAX_PIXELS:,} are decoded' in str(caught.value)
        assert 'cannot be read' in inspect_file(path)[3]
        assert inspect('x.png', str(tmp_path)).error


def test_as_many_pixels_as_are_allowed_are_decoded(tmp_path):
    (tmp_path / 'x.png').write_bytes(png(SIDE, SIDE, 1, 0))
    with pytest.raises(OSError, match='truncated'):  # after the size
        read_image(str(tmp_path / 'x.png'))


def test_a_photograph_of_a_million_scans(tmp_path):
    scan = saved('JPEG', 'L', (8000, 8000), progressive=True)
    start = scan.rindex(b'\xff\xda')
    one = scan[start:-2]
    scans = MAX_SCANNED_PIXELS // 8000 ** 2 + 1
    (tmp_path / 'x.jpg').write_bytes(
        scan[:start] + one * scans + scan[-2:])
    with pytest.raises(ValueError, match='scans, which would take'):
        read_image(str(tmp_path / 'x.jpg'))
    (tmp_path / 'x.jpg').write_bytes(saved('JPEG', progressive=True))
    assert read_image(str(tmp_path / 'x.jpg')).shape == (200, 300, 3)


def test_other_programs_are_not_started(tmp_path, monkeypatch):
    """Pillow would give a PostScript file to Ghostscript."""
    import subprocess
    monkeypatch.setattr(subprocess, 'check_call', None)
    (tmp_path / 'x.png').write_bytes(
        b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n')
    with pytest.raises(OSError, match='cannot identify'):
        read_image(str(tmp_path / 'x.png'))


@pytest.fixture
def folder(tmp_path):
    """300 good images, and what one may not open."""
    root = tmp_path / 'images'
    root.mkdir()
    content = png(4, 4)
    for number in range(300):
        (root / f'{number:03}.png').write_bytes(content)
    return root


def test_pipes_devices_and_bombs_are_skipped_and_counted(folder):
    os.mkfifo(folder / '010a.png')
    (folder / '020a.jpg').symlink_to('/dev/zero')
    (folder / '030a.png').write_bytes(png(13376, 13376))
    (folder / '040a.png').mkdir()  # no file: not listed
    (folder / '050a.png').mkdir()
    dataset = ImageFolder(str(folder))
    images = [dataset[i]['images'] for i in range(len(dataset))]
    assert len(images) == 303
    assert all(image.shape == (3, 4, 4) for image in images)
    assert dataset.bad_files == ['010a.png', '020a.jpg', '030a.png']
    (folder / '060a.png').symlink_to('010a.png')  # the 4th of 304
    dataset = ImageFolder(str(folder))
    with pytest.raises(RuntimeError, match='4 of the 304 images'):
        dataset.__getitems__(range(len(dataset)))


def test_what_is_scored_names_them(folder):
    os.mkfifo(folder / '010a.png')
    (folder / '030a.png').write_bytes(png(13376, 13376))
    with pytest.raises(ValueError, match='(?s)2 of 302 .*must be a file, but '
                       'is a named pipe.*at most'):
        inspect_folder(str(folder), 0)
    assert 'a named pipe' in inspect('010a.png', str(folder)).error
    assert np.array(read_image(str(folder / '000.png'))).shape == (4, 4, 3)
