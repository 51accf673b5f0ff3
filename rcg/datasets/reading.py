"""Image files of any origin to RGB bytes, whatever their mode."""
import errno
import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from mmengine import fileio
from PIL import ExifTags, Image, UnidentifiedImageError

from rcg.datasets.jpeg import SCAN, decode_jpeg
from rcg.files import read_regular

EXTENSIONS = ('.png', '.jpg', '.jpeg', '.jpe', '.jfif', '.webp', '.bmp',
              '.tif', '.tiff', '.gif', '.ppm', '.pgm', '.pbm', '.pnm', '.jp2',
              '.avif')
# A file of 0.5 MB may hold hundreds of millions of equal pixels. Photographs
# have fewer than this. Decoding takes 8 to 25 bytes a pixel, by format.
MAX_PIXELS = 1 << 26
MAX_FILE_BYTES = 512 << 20  # twice that of 16-bit RGB without compression
# Every scan of a progressive JPEG file goes over all pixels; usual are ten.
MAX_SCANNED_PIXELS = 16 * MAX_PIXELS
_ORIENTATION = ExifTags.Base.Orientation
# What makes pixels (H, W, 3) upright, by the EXIF tag of their file.
_TURNS = {2: lambda x: x[:, ::-1], 3: lambda x: x[::-1, ::-1],
          4: lambda x: x[::-1], 5: lambda x: x.swapaxes(0, 1),
          6: lambda x: x[::-1].swapaxes(0, 1),
          7: lambda x: x[::-1, ::-1].swapaxes(0, 1),
          8: lambda x: x[:, ::-1].swapaxes(0, 1)}
# The decoders of what EXTENSIONS name. A name does not bind Pillow: it would
# start Ghostscript for a PostScript file that is called a.png.
_FORMATS = ('PNG', 'JPEG', 'WEBP', 'BMP', 'DIB', 'TIFF', 'GIF', 'PPM',
            'JPEG2000', 'AVIF')
# Bits of a value in cameras and scanners; files have room for 8 or 16.
DEPTHS = 8, 10, 12, 14, 16
# Pillow's names for layouts of 16 bits a channel.
_DEEP = re.compile(';16[BLN]')
# What reading raises for files that are missing, damaged, too large, or no
# files.
UNREADABLE = (OSError, ValueError)
_ERRORS = {errno.ENOENT: 'it is gone, or a link to nothing',
           errno.ELOOP: 'it is a link that leads to itself'}


def why_unreadable(error: Exception) -> str:
    """Why a file cannot be read, in words, without its path."""
    if isinstance(error, OSError) and error.errno is not None:
        return _ERRORS.get(error.errno, error.strerror)
    return str(error) or type(error).__name__


@contextmanager
def open_image(path: str) -> Iterator[Image.Image]:
    """Open an image file; its pixels are decoded when they are used.

    Args:
        path: A file, or any address that mmengine reads.

    Raises:
        OSError, ValueError: The file is missing, no regular file, damaged, or
            of an unknown format, or has more than ``MAX_PIXELS``. So are
            errors of decoding while it is open.
    """
    with decode_image(read_content(path)) as image:
        yield image


@contextmanager
def decode_image(content: bytes) -> Iterator[Image.Image]:
    """As :func:`open_image`, of the bytes of a file."""
    try:
        with _opened(content) as image:
            _check_size(image, content)
            yield image
    except UNREADABLE:
        raise
    except Exception as error:  # Pillow raises nearly any type on bad bytes
        raise ValueError('the image is damaged '
                         f'({type(error).__name__}: {str(error)[:200]})'
                         ) from error


def read_content(path: str) -> bytes:
    """The bytes of an image file.

    Raises:
        OSError, ValueError: The file is missing, no regular file, or has more
            than ``MAX_FILE_BYTES``.
    """
    if '://' in str(path):
        return fileio.get(path)
    return read_regular(path, MAX_FILE_BYTES)


def _opened(content: bytes) -> Image.Image:
    Image.init()  # which formats are known depends on how Pillow was built
    known = [name for name in _FORMATS if name in Image.OPEN]
    with warnings.catch_warnings():  # of sizes: the limit here is lower
        warnings.simplefilter('ignore', Image.DecompressionBombWarning)
        try:
            return Image.open(io.BytesIO(content), formats=known)
        except UnidentifiedImageError:  # names the buffer, not the file
            raise OSError('cannot identify the format; it is not an image, or '
                          'damaged') from None


def _check_size(image: Image.Image, content: bytes) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ValueError(f'it has {width} x {height} pixels; at most '
                         f'{MAX_PIXELS:,} are decoded: make it smaller')
    if image.format in ('JPEG', 'MPO') and (
            width * height * content.count(SCAN) > MAX_SCANNED_PIXELS):
        raise ValueError(f'its {width} x {height} pixels come in '
                         f'{content.count(SCAN)} scans, which would take '
                         'minutes: write it again')


def read_image(path: str, upright: bool = True,
               bits: int = 16) -> np.ndarray:
    """Read an image file as RGB (H, W, 3) uint8.

    Gray, palette, bilevel, CMYK and YCbCr images are converted. Transparent
    pixels are blended over white. Of 16-bit images the upper 8 bits are
    kept. Of animations and multi-page files the first picture is read.

    Args:
        path: A file, or any address that mmengine reads.
        upright: Turn the image as its EXIF tag says.
        bits: Of the values in 16-bit gray files, from 8 to 16; the upper 8 of
            these are kept. Files of 12 bits, read as 16, are black.

    Raises:
        OSError, ValueError: One of ``UNREADABLE``; see :func:`open_image`.
            Or its pixels are 32-bit numbers of unknown range, or of more bits
            than was said.
    """
    with open_image(path) as image:
        return to_rgb(image, upright, bits)


def to_rgb(image: Image.Image, upright: bool = True,
           bits: int = 16) -> np.ndarray:
    """The pixels of an open image, as :func:`read_image` has them.

    Raises:
        OSError, ValueError: While decoding, or of an unknown range.
    """
    pixels = decode_jpeg(image)
    if pixels is None:
        pixels = _by_pillow(image, bits)
    # Not earlier: some formats have their EXIF tags at the end.
    turn = _TURNS.get(image.getexif().get(_ORIENTATION)) if upright else None
    return pixels if turn is None else np.ascontiguousarray(turn(pixels))


def _by_pillow(image: Image.Image, bits: int) -> np.ndarray:
    transparent = has_alpha(image)
    image.load()
    if transparent:
        image = image.convert('RGBA')
        white = Image.new('RGBA', image.size, 'white')
        image = Image.alpha_composite(white, image)
    elif image.mode.startswith(('I', 'F')):
        return _upper_bits(image, bits)
    # As mmcv.imfrombytes(content, 'color', 'rgb', 'pillow') has it.
    return np.array(image if image.mode == 'RGB' else image.convert('RGB'))


def has_alpha(image: Image.Image) -> bool:
    """Whether an open image may be transparent somewhere."""
    return 'transparency' in image.info or 'A' in image.mode


def _upper_bits(image: Image.Image, bits: int) -> np.ndarray:
    """Gray values of modes I;16, I and F as RGB (H, W, 3) uint8."""
    values = np.asarray(image)
    largest = values.max()
    if image.mode[0] == 'F' or values.min() < 0 or largest > 65535:
        raise ValueError(f"pixels of mode '{image.mode}' have no known range; "
                         'convert the file to 8 or 16 bits.')
    if largest >> bits:
        raise ValueError(f'it has values up to {largest}, which {bits} bits '
                         'do not hold')
    values = (values >> (bits - 8)).astype(np.uint8)
    return np.repeat(values[..., None], 3, -1)


def is_deep(image: Image.Image) -> bool:
    """Whether an open image, not yet decoded, has more than 8 bits a value."""
    return image.mode[0] in 'IF' or bool(_DEEP.search(str(image.tile)))


def used_bits(image: Image.Image) -> int | None:
    """How many bits the values of an open image take: one of ``DEPTHS``.

    Args:
        image: Not yet decoded.

    Returns:
        None for an image of 8 bits.
    """
    if not is_deep(image):
        return None
    if image.mode[0] in 'IF':
        largest = int(np.asarray(image).max())
    else:  # of colors Pillow keeps the upper 8 bits alone
        largest = int(np.asarray(image.convert('RGB')).max()) << 8 | 255
    return next((bits for bits in DEPTHS if largest < 1 << bits), DEPTHS[-1])
