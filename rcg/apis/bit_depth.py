"""What a folder's files of more than 8 bits are, and how to read them."""
from collections.abc import Sequence
from typing import NamedTuple

from rcg.datasets.reading import DEPTHS
from rcg.datasets.survey import Facts

# An image is nearly black if its values leave so many of the bits unused.
_DARK = 4


class Deep(NamedTuple):
    """A file of more than 8 bits a value.

    Attributes:
        path: For people.
        gray: Whether it has no colors; these are always read as 16 bits.
        bits: See :func:`~rcg.datasets.reading.used_bits`.
    """
    path: str
    gray: bool
    bits: int


def deep_files(found: dict[str, Facts]) -> list[Deep]:
    """Those of the files, by path, that have more than 8 bits."""
    return [Deep(path, facts.mode[0] == 'I', facts.bits)
            for path, facts in found.items() if facts.bits]


def common_bits(files: Sequence[Deep]) -> int:
    """As how many bits to read the gray ones; all of a folder alike."""
    return max((file.bits for file in files if file.gray), default=DEPTHS[-1])


def about_bits(files: Sequence[Deep]) -> list[str]:
    """Sentences about those files of a folder that have more than 8 bits."""
    found, bits = [], common_bits(files)
    narrow = sum(file.gray for file in files) if bits < DEPTHS[-1] else 0
    if narrow:
        found.append(
            f'{narrow} gray images are of 16 bits and use {bits} of them: '
            f'bits={bits} of ImageFolder, _bits in the settings of a project. '
            'fit.py sets it; else they come out dark.')
    if len(files) > narrow:
        found.append(f'{len(files) - narrow} are of 16 bits, of which the '
                     'upper 8 are kept.')
    dark = [file.path for file in files if file.bits + _DARK <= (
        bits if file.gray else DEPTHS[-1])]
    if dark:
        found.append(
            f'{len(dark)} images of 16 bits come out nearly black, such as '
            f'{dark[0]!r}: they use the lower bits alone. Scale their values, '
            'unless they are meant to be dark.')
    return found
