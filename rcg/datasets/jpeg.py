"""JPEG files decoded by OpenCV, where its pixels are those of Pillow."""
import functools
import io
import os
import re

import cv2
import numpy as np
from PIL import Image

# RGB at once: a conversion would take as long as is gained. The EXIF tag is
# looked at elsewhere. Older versions of OpenCV have no such order.
_FLAGS = (cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
          if hasattr(cv2, 'IMREAD_COLOR_RGB') else None)
SCAN = b'\xff\xda'  # begins with its length and its number of channels
# In a scan: neither a byte of 255 nor a restart.
_MARKER = re.compile(rb'\xff[^\x00\xd0-\xd7]')
_END = b'\xff\xd9'
# Of colors: 4:1:1, 4:2:0, 4:2:2, 4:4:0 and 4:4:4, in OpenCV's numbers.
_SAMPLINGS = 0x411111, 0x221111, 0x211111, 0x121111, 0x111111


def decode_jpeg(image: Image.Image) -> np.ndarray | None:
    """Decode an open JPEG file faster than Pillow does, to the same pixels.

    Set the environment variable RCG_JPEG to 'pillow' to switch it off.

    Args:
        image: Opened by Pillow from bytes in memory, and not yet decoded.

    Returns:
        RGB (H, W, 3), uint8, not turned; None if Pillow has to decode it: it
        is no JPEG file, progressive, CMYK, decoded already, or damaged, or
        OpenCV's pixels are others on this machine.
    """
    if (image.format != 'JPEG' or image.mode not in ('RGB', 'L')
            or not getattr(image, 'tile', None)
            or not isinstance(image.fp, io.BytesIO)
            or os.environ.get('RCG_JPEG') == 'pillow' or not agrees()):
        return None
    content = image.fp.getvalue()
    if not _is_one_scan(content, len(image.mode)):
        return None
    pixels = _decode(content)
    if pixels is None or pixels.shape != (image.height, image.width, 3):
        return None
    return pixels


def _is_one_scan(content: bytes, channels: int) -> bool:
    """Whether a file ends where its only scan does.

    OpenCV takes files that were cut off, or that have something else in
    between, and fills them up. Pillow refuses them.
    """
    scan = content.rfind(SCAN)
    marker = _MARKER.search(content, scan + len(SCAN))
    return (marker is not None and marker[0] == _END
            and marker.end() == len(content)
            and content[scan + 4:scan + 5] == bytes([channels]))


@functools.cache
def agrees() -> bool:
    """Whether OpenCV and Pillow decode to the same numbers here.

    Both have a copy of libjpeg-turbo. Versions and builds differ.
    """
    if _FLAGS is None:
        return False
    values = np.random.default_rng(0).integers(0, 256, (7, 9, 3), np.uint8)
    image = Image.fromarray(values).resize((141, 93))
    # Pillow does not write all ways to halve colors.
    contents = [cv2.imencode('.jpg', np.asarray(image), [
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling])[1].tobytes()
        for sampling in _SAMPLINGS]
    for picture in image, image.convert('L'), Image.fromarray(values):
        file = io.BytesIO()
        picture.save(file, 'JPEG', quality=95)
        contents.append(file.getvalue())
    return all(map(_is_equal, contents))


def _is_equal(content: bytes) -> bool:
    with Image.open(io.BytesIO(content)) as opened:
        wanted = np.asarray(opened.convert('RGB'))
    pixels = _decode(content)
    return pixels is not None and np.array_equal(pixels, wanted)


def _decode(content: bytes) -> np.ndarray | None:
    try:
        return cv2.imdecode(np.frombuffer(content, np.uint8), _FLAGS)
    except cv2.error:
        return None
