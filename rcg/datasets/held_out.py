"""Images of a folder that nothing is trained on, chosen by their content.

A file is held out if the hash of its bytes is below a threshold. So files that
are added, renamed or moved change nothing for the others, and exact copies
are on the same side.
"""
import contextlib
import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from mmengine.logging import print_log

from rcg.checkpoint import open_atomically
from rcg.datasets.remembered import (
    cache_file,
    line_of,
    read_lines,
    stamp_of,
)
from rcg.files import open_regular

SPLITS = 'train', 'held_out'
_BLOCK = 1 << 20
_KIND = 'hashes'


def split_of(root: str, paths: Sequence[str], share: float) -> list[bool]:
    """Which images of a folder are held out.

    Of four different images or more, two at least are held out, since a
    distance needs two; of two or three, one. One at least is not. A file that
    cannot be opened is not held out. Hashes are remembered below
    ``~/.cache/rcg``, by path, size and time of change.

    Args:
        root: The folder.
        paths: Of the images, relative to it.
        share: To hold out, about; in (0, 1).

    Raises:
        ValueError: The share is out of range, or there is only one image.
    """
    if not 0 < share < 1:
        raise ValueError('held_out, the share of images to hold out, must be '
                         f'between 0 and 1, got {share}.')
    hashes = content_hashes(root, paths)
    known = sorted({code for code in hashes if code is not None})
    if len(known) < 2:
        raise ValueError(
            f"the folder '{root}' has too few different images that can be "
            f'opened: {len(known)}. To hold some out, it must have 2 or more; '
            'add images or set split=None.')
    limit = format(int(share * 2**64), '016x')
    chosen = {code for code in known if code[:16] < limit}
    chosen |= set(known[:2 if len(known) > 3 else 1])
    if len(chosen) == len(known):
        chosen.remove(known[-1])
    return [code in chosen for code in hashes]


def content_hashes(root: str, paths: Sequence[str]) -> list[str | None]:
    """Hashes of the bytes of files, as hexadecimal digits.

    None for a file that cannot be opened. Arguments are those of
    :func:`split_of`.
    """
    known = _read(root)
    stamps = [stamp_of(os.path.join(root, path)) for path in paths]
    new = [(path, stamp) for path, stamp in zip(paths, stamps, strict=True)
           if stamp is not None and known.get(path, [])[:2] != stamp]
    if new:
        print_log(f"hashing {len(new):,} images of '{root}'",
                  logger='current')
        with ThreadPoolExecutor(8) as pool:  # files and hashes free the GIL
            codes = pool.map(lambda entry: _hash(
                os.path.join(root, entry[0])), new)
            for (path, stamp), code in zip(new, codes, strict=True):
                known[path] = [*stamp, code]
        _write(root, known)
    return [None if stamp is None else known[path][2]
            for path, stamp in zip(paths, stamps, strict=True)]


def remember_hashes(root: str, entries: dict[str, list]) -> None:
    """Spare :func:`content_hashes` the files that somebody has read.

    Args:
        root: The folder.
        entries: By path, relative to it: size and time of
            :func:`~rcg.datasets.remembered.stamp_of` before the file was read,
            and :func:`hash_of` its content.
    """
    known = _read(root)
    if any(known.get(path) != entry for path, entry in entries.items()):
        _write(root, known | entries)


def hash_of(content: bytes) -> str:
    """The hash of the bytes of a file, hexadecimal digits."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _hash(path: str) -> str | None:
    """As :func:`hash_of`, of a file of any size; None: it cannot be read."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        with open_regular(path) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except (OSError, ValueError):
        return None
    return digest.hexdigest()


def _read(root: str) -> dict[str, list]:
    """Size, time and hash by path, as far as they are remembered."""
    # A wrong hash would move an image: hence the checksums of the lines.
    return {entry[0]: entry[1:] for entry in read_lines(
        cache_file(_KIND, root)) if len(entry) == 4}


def _write(root: str, known: dict[str, list]) -> None:
    """Remember hashes, if there is a place for it."""
    store = cache_file(_KIND, root)
    with contextlib.suppress(OSError):
        store.parent.mkdir(parents=True, exist_ok=True)
        with open_atomically(store) as file:
            for path, entry in known.items():
                file.write(line_of([path, *entry]))
