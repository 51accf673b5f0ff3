"""Mutated image files of every format."""
import io
from pathlib import Path

from PIL import Image

from rcg.datasets.image_files import inspect_file
from rcg.datasets.reading import UNREADABLE, read_image

from .harness import fuzz, mutated

_KINDS = [('PNG', 'RGB', {}), ('PNG', 'P', {}), ('PNG', 'RGBA', {}),
          ('PNG', 'LA', {}), ('PNG', 'I;16', {}), ('PNG', '1', {}),
          ('PNG', 'RGB', {'exif': True}), ('PNG', 'P', {'transparency': 0}),
          ('JPEG', 'RGB', {}), ('JPEG', 'RGB', {'progressive': True}),
          ('JPEG', 'CMYK', {}), ('JPEG', 'L', {}),
          ('JPEG', 'RGB', {'exif': True}), ('GIF', 'P', {}),
          ('GIF', 'P', {'animated': True}), ('BMP', 'RGB', {}),
          ('BMP', 'P', {}), ('PPM', 'RGB', {}), ('PPM', '1', {}),
          ('TIFF', 'RGB', {}), ('TIFF', 'F', {}), ('TIFF', 'I;16', {}),
          ('TIFF', 'RGB', {'compression': 'tiff_lzw'}),
          ('TIFF', '1', {'compression': 'group4'}),
          ('TIFF', 'RGB', {'animated': True}), ('WEBP', 'RGB', {}),
          ('WEBP', 'RGBA', {'animated': True}), ('JPEG2000', 'RGB', {}),
          ('AVIF', 'RGB', {})]


def _saved(format: str, mode: str, options: dict) -> bytes:
    content, options = io.BytesIO(), dict(options)
    image = Image.linear_gradient('L').resize((24, 17)).convert(
        'RGB').convert(mode if mode != 'I;16' else 'L')
    if mode == 'I;16':
        image = image.convert('I').convert('I;16')
    if options.pop('animated', False):
        options |= dict(save_all=True, append_images=[image.rotate(90)])
    if options.pop('exif', False):
        options['exif'] = Image.Exif()
        options['exif'][0x0112] = 6
    image.save(content, format, **options)
    return content.getvalue()


def fuzz_images(seed: int, cases: int, folder: str | Path) -> dict[str, int]:
    """Image files; see :func:`tests.fuzz.harness.fuzz`."""
    Image.init()
    bases = [_saved(*kind) for kind in _KINDS if kind[0] in Image.SAVE]

    def read(path: str) -> None:
        inspect_file(path)
        image = read_image(path)
        assert image.ndim == 3
        assert image.shape[2] == 3

    return fuzz('image.png', seed, cases, folder,
                lambda rng: mutated(rng, rng.choice(bases)), read, UNREADABLE)
