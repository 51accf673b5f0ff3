"""Image files to RGB bytes, whatever their mode."""
import io
import struct

import mmcv
import numpy as np
from mmengine import fileio
from PIL import Image, ImageOps

EXTENSIONS = ('.png', '.jpg', '.jpeg', '.jpe', '.jfif', '.webp', '.bmp',
              '.tif', '.tiff', '.gif', '.ppm', '.pgm', '.pbm', '.pnm', '.jp2',
              '.avif')
# What Pillow raises for damaged files; RuntimeError is of AVIF.
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, struct.error,
              RuntimeError, Image.DecompressionBombError)


def read_image(path: str, upright: bool = True) -> np.ndarray:
    """Read an image file as RGB (H, W, 3) uint8.

    Gray, palette, bilevel, CMYK and YCbCr images are converted. Transparent
    pixels are blended over white. Of 16-bit gray images the high byte is
    kept. Of animations and multi-page files the first picture is read.

    Args:
        path: A file, or any address that mmengine reads.
        upright: Turn the image as its EXIF tag says.

    Raises:
        OSError, ValueError, ...: One of ``UNREADABLE``: the file is missing
            or damaged, or its pixels are 32-bit numbers of unknown range.
    """
    content = fileio.get(path)
    with Image.open(io.BytesIO(content)) as image:
        transparent = 'transparency' in image.info or 'A' in image.mode
        if not transparent and not image.mode.startswith(('I', 'F')):
            flag = 'color' if upright else 'color_ignore_orientation'
            return mmcv.imfrombytes(content, flag, 'rgb', 'pillow')
        if upright:
            image = ImageOps.exif_transpose(image)
        if transparent:
            white = Image.new('RGBA', image.size, 'white')
            white.alpha_composite(image.convert('RGBA'))
            return np.array(white.convert('RGB'))
        values = np.asarray(image)  # of modes I;16, I and F
    if image.mode[0] == 'F' or values.min() < 0 or values.max() > 65535:
        raise ValueError(f"pixels of mode '{image.mode}' have no known range; "
                         'convert the file to 8 or 16 bits.')
    gray = (values.astype(np.int64) >> 8).astype(np.uint8)
    return np.repeat(gray[..., None], 3, -1)
