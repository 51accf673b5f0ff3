"""Images of a trained model in a folder, with a grid that shows them."""
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config
from PIL import Image
from torch import Tensor

from rcg.apis.classes import find_labels
from rcg.apis.grid import labelled_grid
from rcg.apis.images import load_images
from rcg.apis.inferencer import RCGInferencer
from rcg.apis.run_config import load_any_config
from rcg.engine import make_grid
from rcg.engine.processes.signals import deferred, requested
from rcg.engine.processes.stopping import leave

SHOWN = 64  # images, or rows of them, that the grid has at most


class _Folder:
    """Numbers images and writes them as PNG files."""

    def __init__(self, path: str) -> None:
        self.path, self.count = Path(path), 0

    def add(self, images: Tensor, total: int) -> None:
        """Write images (N, 3, H, W) uint8; print how many of all there are."""
        with deferred():
            for image in images:
                _picture(image).save(self.path / f'{self.count:06d}.png')
                self.count += 1
        print(f'{self.count}/{total} images', flush=True)
        if requested():
            leave(f'{self.count} of {total} images are kept')

    def finish(self, grid: Image.Image) -> Path:
        grid.save(self.path / 'grid.png')
        return self.path / 'grid.png'


def _start(config: Config | dict | str, checkpoint: str, out: str,
           device: str | None, options: list[str] | dict | None
           ) -> tuple[Config, RCGInferencer, _Folder]:
    cfg = load_any_config(config, options)
    model = RCGInferencer(cfg, checkpoint, device)
    Path(out).mkdir(parents=True, exist_ok=True)
    return cfg, model, _Folder(out)


def sample_images(config: Config | dict | str, checkpoint: str,
                  out: str = 'samples', *, num: int = 64, seed: int = 0,
                  classes: Sequence[str] | None = None,
                  labels: Sequence[int] | None = None,
                  class_names: str | None = None, batch_size: int = 64,
                  device: str | None = None,
                  options: list[str] | dict | None = None) -> Path:
    """Draw images from noise, of each class in turn if the model has any.

    Args:
        config: A config, a dict like one, or the path of one.
        checkpoint: File or work folder.
        out: Folder for the images (000000.png, ...) and grid.png.
        num: Number of images.
        seed: Image i depends on the seed and i alone.
        classes: Names or numbers of the classes.
        labels: Their numbers, in place of ``classes``; all by default.
        class_names: File of their names, text or JSON.
        batch_size: Images at a time.
        device: By default a GPU, if there is one.
        options: Changes of the config by dotted key.

    Returns:
        Path of grid.png.

    Raises:
        ValueError: The model has no such classes.
    """
    cfg, model, folder = _start(config, checkpoint, out, device, options)
    titles = {}
    if classes:
        titles = find_labels(cfg, classes, model.num_classes, class_names)
        labels = list(titles)
    labels = _in_turn(labels, model.num_classes, num)
    shown = []
    for batch in model.batches(num, seed, labels, batch_size):
        shown.extend(batch[:SHOWN - len(shown)])
        folder.add(batch, num)
    return folder.finish(_grid(shown, labels, titles))


def _in_turn(labels: Sequence[int] | None, num_classes: int | None,
             num: int) -> list[int] | None:
    """The label of each image; by default all classes, if there are any."""
    if labels is None and num_classes is not None:
        labels = range(num_classes)
    if labels is None:
        return None
    return [labels[i % len(labels)] for i in range(num)]


def _grid(images: list[Tensor], labels: list[int] | None,
          titles: dict[int, str]) -> Image.Image:
    """A grid of the images; with labels, a row for each class.

    Args:
        images: The first images drawn, (3, H, W) uint8 each.
        labels: Classes of all images drawn, in the same order.
        titles: Names of classes by label, as far as they are known.
    """
    if labels is None:
        return _picture(make_grid(torch.stack(images)))
    rows = {}
    for label, image in zip(labels, images, strict=False):
        rows.setdefault(label, []).append(image)
    return labelled_grid([(titles.get(label, f'class {label}'), row)
                          for label, row in rows.items()])


def redraw_images(config: Config | dict | str, checkpoint: str,
                  images: Sequence[str], out: str = 'samples', *,
                  num: int = 4, seed: int = 0, batch_size: int = 8,
                  device: str | None = None,
                  options: list[str] | dict | None = None) -> Path:
    """Draw images from the representations of given ones.

    Args:
        config: A config, a dict like one, or the path of one.
        checkpoint: File or work folder.
        images: See :func:`rcg.apis.load_images`.
        out: Folder for the images (000000.png, ...) and grid.png.
        num: Images to draw from each.
        seed: Draw i of any image depends on the seed and i alone.
        batch_size: Images at a time.
        device: By default a GPU, if there is one.
        options: Changes of the config by dotted key.

    Returns:
        Path of grid.png: a row for each given image.

    Raises:
        ValueError: The model has no representations.
    """
    cfg, model, folder = _start(config, checkpoint, out, device, options)
    rows = []
    given, titles = load_images(cfg, images)
    for title, image in zip(titles, given, strict=True):
        drawn = model.vary(image, num, seed, batch_size)
        rows.append((title, [image, *drawn]))
        folder.add(drawn, len(titles) * len(drawn))
    return folder.finish(labelled_grid(rows[:SHOWN],
                                       ['given', *map(str, range(num))]))


def interpolate_images(config: Config | dict | str, checkpoint: str,
                       pairs: Sequence[tuple[str, str]],
                       out: str = 'samples', *, steps: int = 8,
                       seed: int = 0, batch_size: int = 8,
                       device: str | None = None,
                       options: list[str] | dict | None = None) -> Path:
    """Draw images between the representations of two given ones.

    Args:
        config: A config, a dict like one, or the path of one.
        checkpoint: File or work folder.
        pairs: Two images each; see :func:`rcg.apis.load_images`.
        out: Folder for the images (000000.png, ...) and grid.png.
        steps: Images to draw for each pair, the ends included; at least 2.
        seed: All are drawn from the same random stream of this seed.
        batch_size: Images at a time.
        device: By default a GPU, if there is one.
        options: Changes of the config by dotted key.

    Returns:
        Path of grid.png: a row for each pair.

    Raises:
        ValueError: The model has no representations, or a name is that of a
            folder.
    """
    cfg, model, folder = _start(config, checkpoint, out, device, options)
    rows = []
    images, names = load_images(cfg, [name for pair in pairs
                                      for name in pair])
    if len(images) != 2 * len(pairs):
        raise ValueError('--interpolate takes images, not folders.')
    titles = [' to '.join(names[i:i + 2]) for i in range(0, len(names), 2)]
    for title, (first, last) in zip(titles, images.unflatten(0, (-1, 2)),
                                    strict=True):
        drawn = model.interpolate(first, last, steps, seed, batch_size)
        rows.append((title, [first, *drawn, last]))
        folder.add(drawn, len(titles) * len(drawn))
    weights = [f't = {i / (steps - 1):.2f}' for i in range(steps)]
    return folder.finish(labelled_grid(rows[:SHOWN], ['A', *weights, 'B']))


def _picture(image: Tensor) -> Image.Image:
    return Image.fromarray(image.permute(1, 2, 0).numpy())
