"""What the page takes: ranges of numbers, sizes of files.

The page's sliders have these ranges, but a browser may send anything: every
action checks what it gets.
"""
import os
from typing import NamedTuple

from PIL import Image

from rcg.datasets.reading import (
    UNREADABLE,
    decode_image,
    to_rgb,
    why_unreadable,
)
from rcg.files import read_regular

MAX_UPLOAD_BYTES = 20 << 20
MAX_UPLOAD_PIXELS = 1 << 25  # more than photographs of phones have


class Range(NamedTuple):
    """Of a number, both ends included."""
    low: float
    high: float
    whole: bool = True


RANGES = dict(
    images=Range(1, 64), steps=Range(1, 250), seed=Range(0, 2**31 - 1),
    guidance=Range(0, 20, False), temperature=Range(0, 30, False))


def checked(name: str, value) -> int | float:
    """A number of the page, which is in its range.

    Args:
        name: One of ``RANGES``.
        value: Whatever was sent.

    Raises:
        ValueError: It is no number, not whole, or out of range.
    """
    low, high, whole = RANGES[name]
    kind = 'a whole number' if whole else 'a number'
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (is_number and low <= value <= high  # NaN is not
            and (not whole or value == int(value))):
        raise ValueError(f'{name} must be {kind} from {low:,} to {high:,}, '
                         f'got {str(value)[:40]}.')
    return int(value) if whole else float(value)


def read_upload(path: str | None, folder: str | os.PathLike
                ) -> Image.Image:
    """An uploaded image, in RGB.

    Args:
        path: Of the file; None: there is none.
        folder: Where uploads are. A request may name any other file.

    Raises:
        ValueError: There is no image, it is not one of the uploads, too
            large, or cannot be read.
    """
    if path is None:
        raise ValueError('there is no image yet: drop a file on the field, or '
                         'click it.')
    real = os.path.realpath(path)
    if '://' in path or not real.startswith(
            os.path.join(os.path.realpath(folder), '')):
        raise ValueError('this file was not uploaded: drop it on the field.')
    try:
        # Never by its address: mmengine would fetch what is named so.
        content = read_regular(real, MAX_UPLOAD_BYTES)
        with decode_image(content) as image:
            _check_pixels(*image.size)
            return Image.fromarray(to_rgb(image))
    except UNREADABLE as error:
        # A sentence about the file, and not where it lies on this machine.
        reason = why_unreadable(error).replace(f"'{real}'", 'the file')
        raise ValueError('the file cannot be read as an image: '
                         f'{reason.rstrip(".")}.') from error


def _check_pixels(width: int, height: int) -> None:
    if width * height > MAX_UPLOAD_PIXELS:
        raise ValueError(f'it has {width} x {height} pixels; at most '
                         f'{MAX_UPLOAD_PIXELS:,} are taken: make it smaller')
