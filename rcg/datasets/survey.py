"""One look at every file of a folder: what it is, and whether it is read."""
import base64
import contextlib
import functools
import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image

from rcg.datasets.held_out import hash_of
from rcg.datasets.map_files import map_files
from rcg.datasets.reading import (
    MAX_PIXELS,
    UNREADABLE,
    decode_image,
    has_alpha,
    read_content,
    to_rgb,
    used_bits,
    why_unreadable,
)
from rcg.datasets.remembered import line_of, read_lines, stamp_of

PROBE = 16  # side of a probe, in pixels
# Decoding takes up to 20 bytes a pixel. Larger images than those of most
# cameras are left to one process, one after the other.
MOST_BESIDE = 1 << 25


class Files(NamedTuple):
    """How to get at files by their paths.

    Attributes:
        stamp: Size and time, None for no file; see
            :func:`~rcg.datasets.remembered.stamp_of`.
        content: Bytes; see :func:`~rcg.datasets.reading.read_content`.
    """
    stamp: Callable[[str], list[int] | None] = stamp_of
    content: Callable[[str], bytes] = read_content


class Facts(NamedTuple):
    """What is known of a file.

    Attributes:
        error: Why it cannot be read; then little else is known. Else empty.
        code: Hash of its bytes; empty if there are none to read.
        mode: Pillow's name for the kind of its pixels.
        height, width: In pixels, upright.
        transparent: Whether a pixel is.
        frames: Pictures in the file, of which the first is taken.
        bits: That its values use, if a file of 16 bits has them; else 0. See
            :func:`~rcg.datasets.reading.used_bits`.
        seconds: That reading it took.
        probe: The central square at PROBE x PROBE, if it was asked for; see
            :func:`pixels_of`. Else empty.
    """
    error: str
    code: str
    mode: str = ''
    height: int = 0
    width: int = 0
    transparent: bool = False
    frames: int = 1
    bits: int = 0
    seconds: float = 0.
    probe: str = ''


ON_DISK = Files()
_TYPES = tuple(Facts.__annotations__.values())


def survey(root: str, paths: Sequence[str], workers: int,
           store: str | os.PathLike, probed: Collection[str] = (),
           files: Files = ON_DISK) -> list[Facts]:
    """Read the files of a folder whole, each once.

    Good files are remembered in ``store`` as soon as they are read, until they
    change. So a survey that was interrupted goes on, and one of an unchanged
    folder only compares sizes and times.

    Args:
        root: The folder.
        paths: Of the images, relative to it.
        workers: Processes that read; 0 or 1: this one. Each holds at most
            one image, of ``MOST_BESIDE`` pixels if there are several.
        store: File that remembers; without a place for it nothing is.
        probed: Those of the paths whose probes are wanted.
        files: How to get at them, if they are no files of a folder.

    Returns:
        Facts about each path.
    """
    stamps = {path: files.stamp(os.path.join(root, path)) for path in paths}
    probed = frozenset(probed)
    known = _known(Path(store), stamps, probed)
    todo = [path for path in paths if path not in known]
    print(f'{root}: {len(paths)} images, {len(paths) - len(todo)} of them '
          f'read before ({store})', flush=True)
    if todo:
        with _appended(Path(store)) as file:
            for path, facts in _inspect_all(
                    root, todo, workers, probed, files):
                known[path] = facts
                if file is not None and not facts.error:
                    # In one piece, as several surveys may go on.
                    with contextlib.suppress(OSError):  # the disk is full
                        file.write(line_of([path, *stamps[path], *facts]))
    return [known[path] for path in paths]


def _inspect_all(root: str, paths: Sequence[str], workers: int,
                 probed: Collection[str], files: Files
                 ) -> Iterator[tuple[str, Facts]]:
    work = functools.partial(
        inspect, root=root, probed=probed, files=files,
        most=MOST_BESIDE if workers > 1 else MAX_PIXELS)
    for path, facts in map_files(work, paths, workers):
        yield path, facts or inspect(path, root, probed, files=files)


def inspect(path: str, root: str, probed: Collection[str] = (),
            most: int = MAX_PIXELS, files: Files = ON_DISK
            ) -> Facts | None:
    """Read one file whole, as training reads it.

    Args:
        path: Relative to the root.
        root: The folder.
        probed: Paths whose probes are wanted.
        most: Pixels that are decoded here.
        files: How to get at it.

    Returns:
        None if the image has more pixels.
    """
    begun, code = time.perf_counter(), ''
    try:
        content = files.content(os.path.join(root, path))
        code = hash_of(content)
        if not content:
            return Facts('the file is empty', code)
        with decode_image(content) as image:
            if image.width * image.height > most:
                return None
            mode, transparent = image.mode, False
            bits = used_bits(image) or 0
            pixels = to_rgb(image)
            if has_alpha(image):
                alpha = image.convert('RGBA').getchannel('A')
                transparent = alpha.getextrema()[0] < 255
            frames = _frames(image)
    except UNREADABLE as error:
        return Facts(why_unreadable(error), code)
    probe = probe_of(pixels) if path in probed else ''
    return Facts('', code, mode, *pixels.shape[:2], transparent, frames, bits,
                 time.perf_counter() - begun, probe)


def _frames(image: Image.Image) -> int:
    """Pictures in an open file; only the first has to be good."""
    try:
        return getattr(image, 'n_frames', 1)
    except Exception:  # Pillow raises nearly any type on bad bytes
        return 1


def probe_of(pixels: np.ndarray) -> str:
    """The central square of an image (H, W, 3), in letters."""
    side = min(pixels.shape[:2])
    top, left = ((length - side) // 2 for length in pixels.shape[:2])
    square = Image.fromarray(pixels[top:top + side, left:left + side])
    small = square.resize((PROBE, PROBE), Image.BOX)
    return base64.b64encode(small.tobytes()).decode()


def pixels_of(probe: str) -> np.ndarray:
    """The pixels of a probe, (PROBE, PROBE, 3) uint8 RGB."""
    content = base64.b64decode(probe)
    return np.frombuffer(content, np.uint8).reshape(PROBE, PROBE, 3)


def _known(store: Path, stamps: dict[str, list[int] | None],
           probed: Collection[str]) -> dict[str, Facts]:
    """What the store says of files that have not changed since."""
    known = {}
    for path, *entry in filter(None, read_lines(store)):
        # Another version may have written the line.
        if (tuple(map(type, entry[2:])) == _TYPES
                and path in stamps and stamps[path] == entry[:2]):
            facts = Facts(*entry[2:])
            if facts.probe or path not in probed:
                known[path] = facts
    return known


@contextlib.contextmanager
def _appended(store: Path) -> Iterator[BinaryIO | None]:
    """A file to add lines to; None if there is no place for it."""
    with contextlib.ExitStack() as stack:
        file = None
        with contextlib.suppress(OSError):
            store.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(open(store, 'ab', 0))
            file.write(b'\n')  # the last line may have been cut off
        yield file
