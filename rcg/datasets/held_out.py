"""Images of a folder that nothing is trained on, chosen by their content.

A file is held out if the hash of its bytes is below a threshold. So files that
are added, renamed or moved change nothing for the others, and exact copies
are on the same side.
"""
import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mmengine.logging import print_log

from rcg.checkpoint import open_atomically
from rcg.files import open_regular, parse_json

SPLITS = 'train', 'held_out'
_BLOCK = 1 << 20
_LONGEST = 1 << 16  # bytes of a line of the stored hashes


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
            f"the folder '{root}' has {len(known)} different images that can "
            'be opened: to hold some out, it must have 2 or more; add images '
            'or set split=None.')
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
    store = _store_of(root)
    known = _read(store)
    stamps = [_stamp(os.path.join(root, path)) for path in paths]
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
        _write(store, known)
    return [None if stamp is None else known[path][2]
            for path, stamp in zip(paths, stamps, strict=True)]


def _stamp(path: str) -> list[int] | None:
    """Size and time of change; None for what is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def _hash(path: str) -> str | None:
    digest = hashlib.blake2b(digest_size=16)
    try:
        with open_regular(path) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except (OSError, ValueError):
        return None
    return digest.hexdigest()


def _store_of(root: str) -> Path:
    """The file that remembers the hashes of a folder."""
    code = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()
    cache = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    return Path(os.path.expanduser(cache), 'rcg', 'hashes',
                f'{code[:16]}.jsonl')


def _read(store: Path) -> dict[str, list]:
    """Size, time and hash by path; lines that are damaged are left out."""
    known = {}
    with contextlib.suppress(OSError, ValueError), open_regular(store) as file:
        for line in iter(lambda: file.readline(_LONGEST), b''):
            with contextlib.suppress(ValueError):
                path, size, changed, code, check = parse_json(line, list)
                if check == _check(path, size, changed, code):
                    known[path] = [size, changed, code]
    return known


def _check(*entry) -> str:
    """A checksum of a line: a wrong hash would move an image."""
    return hashlib.blake2b(json.dumps(entry).encode(),
                           digest_size=4).hexdigest()


def _write(store: Path, known: dict[str, list]) -> None:
    """Remember hashes, if there is a place for it."""
    with contextlib.suppress(OSError):
        store.parent.mkdir(parents=True, exist_ok=True)
        with open_atomically(store) as file:
            for path, entry in known.items():
                line = [path, *entry, _check(path, *entry)]
                file.write(json.dumps(line).encode() + b'\n')
