"""A folder of drawn images, which knows its own files."""
import os
import re
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from rcg.apis.json_file import write_json
from rcg.checkpoint import run_configs
from rcg.datasets.reading import EXTENSIONS, UNREADABLE, open_image
from rcg.engine.processes.signals import deferred, requested
from rcg.engine.processes.stopping import leave
from rcg.files import read_json

GRID, RECORD = 'grid.png', 'samples.json'
# What the images of this tool say of themselves: 'Software' is a keyword of
# the PNG format. A number for a name makes no file ours.
_SOFTWARE, _OURS = 'Software', 'rcg tools/sample.py'


def default_folder(checkpoint: str) -> Path:
    """Where images of a checkpoint go: beside it, if a run left it there.

    Args:
        checkpoint: The file.
    """
    path = Path(checkpoint)
    if run_configs(checkpoint):
        return path.parent / 'drawn'
    return Path('samples', path.stem)


class SampleFolder:
    """Numbers images and writes them as PNG files.

    ``samples.json`` in the folder says what was drawn, and a text in each file
    that it was drawn. The images of an earlier call are removed: with the new
    ones they would be scored.

    Args:
        path: The folder; it is made.
        record: What is drawn, for ``samples.json``.

    Raises:
        ValueError: There are images that no call of this tool wrote.
    """

    def __init__(self, path: str | Path, record: dict) -> None:
        self.path, self.count = Path(path), 0
        self.path.mkdir(parents=True, exist_ok=True)
        known = {RECORD} | self._written()
        others = [name for name in sorted(os.listdir(self.path))
                  if name.lower().endswith(EXTENSIONS) and name not in known]
        if others:
            raise ValueError(
                f"the folder '{path}' holds images that were not drawn here, "
                f"such as '{others[0]}': give another --out, or move them.")
        for name in known - {RECORD}:
            (self.path / name).unlink(missing_ok=True)
        write_json(record, self.path / RECORD)

    def _written(self) -> set[str]:
        """Names of the files that an earlier call wrote, if there was one."""
        try:
            if 'checkpoint' not in read_json(self.path / RECORD):
                return set()
        except (OSError, ValueError):
            return set()
        return {name for name in os.listdir(self.path)
                if (re.fullmatch(r'\d{6,}\.png', name) or name == GRID)
                and _is_ours(self.path / name)}

    def add(self, images: Tensor, total: int) -> None:
        """Write images (N, 3, H, W) uint8; print how many of all there are."""
        with deferred():
            for image in images:
                _write(picture(image), self.path / f'{self.count:06d}.png')
                self.count += 1
        print(f'{self.count}/{total} images', flush=True)
        if requested():
            leave(f'{self.count} of {total} images are kept')

    def finish(self, grid: Image.Image) -> Path:
        """Write grid.png; return its path."""
        _write(grid, self.path / GRID)
        return self.path / GRID


def _write(image: Image.Image, path: Path) -> None:
    info = PngInfo()
    info.add_text(_SOFTWARE, _OURS)
    image.save(path, pnginfo=info)


def _is_ours(path: Path) -> bool:
    """Whether this tool wrote a file."""
    try:
        with open_image(str(path)) as image:
            return image.info.get(_SOFTWARE) == _OURS
    except UNREADABLE:
        return False


def picture(image: Tensor) -> Image.Image:
    """(3, H, W) uint8 as an image of Pillow."""
    return Image.fromarray(image.permute(1, 2, 0).numpy())
