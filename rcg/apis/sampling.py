"""Images of a trained model in a folder, with a grid that shows them."""
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config
from PIL import Image
from torch import Tensor

from rcg.apis.cached_rdm import CachedRDM
from rcg.apis.classes import class_titles, find_labels
from rcg.apis.grid import labelled_grid
from rcg.apis.images import load_images
from rcg.apis.inferencer import RCGInferencer
from rcg.apis.run_config import checkpoint_for, load_any_config, name_of
from rcg.apis.sample_folder import SampleFolder, default_folder, picture
from rcg.apis.sweep import settings
from rcg.engine.hooks.sample_grid import SMALLEST, make_grid

SHOWN = 64  # images, or rows of them, that the grid has at most
COLUMNS = 8  # images in a row at each scale of guidance


def _start(config: Config | dict | str, checkpoint: str | None,
           out: str | None, device: str | None,
           options: list[str] | dict | None, overlap: bool = False,
           **record) -> tuple[Config, RCGInferencer, SampleFolder]:
    """Load the model; open the folder, with a record of what is drawn."""
    checkpoint = checkpoint_for(config, checkpoint)
    cfg = load_any_config(config, options)
    model = RCGInferencer(cfg, checkpoint, device, overlap)
    print(f'checkpoint {model.checkpoint}', flush=True)
    options = options if isinstance(options, dict) else list(options or ())
    folder = SampleFolder(out or default_folder(model.checkpoint), dict(
        record, checkpoint=str(model.checkpoint), config=name_of(config),
        options=options))
    return cfg, model, folder


def sample_images(config: Config | dict | str, checkpoint: str | None = None,
                  out: str | None = None, *, num: int = 64, seed: int = 0,
                  classes: Sequence[str] | None = None,
                  labels: Sequence[int] | None = None,
                  class_names: str | None = None, overlap: bool = False,
                  batch_size: int | str = 64, device: str | None = None,
                  options: list[str] | dict | None = None) -> Path:
    """Draw images from noise, of each class in turn if the model has any.

    Args:
        config: See :func:`~rcg.apis.run_config.load_any_config`.
        checkpoint: File or work folder. None: that is what ``config`` is.
        out: A :class:`SampleFolder`; by default :func:`default_folder`.
        num: Number of images.
        seed: Image i depends on the seed and i alone.
        classes: Names or numbers of the classes.
        labels: Their numbers, in place of ``classes``; all by default.
        class_names: File of their names, text or JSON.
        batch_size: Images at a time; 'auto': as many as memory allows.
        device, overlap: See :class:`~rcg.apis.RCGInferencer`.
        options: Changes of the config by dotted key.

    Returns:
        Path of grid.png.

    Raises:
        ValueError: The model has no such classes.
    """
    cfg, model, folder = _start(config, checkpoint, out, device, options,
                                overlap, num=num, seed=seed)
    labels, titles = _titled(cfg, model, classes, labels, class_names)
    labels = _in_turn(labels, model.num_classes, num)
    shown = []
    for batch in model.batches(num, seed, labels, batch_size, 'tensor'):
        shown.extend(batch[:SHOWN - len(shown)])
        folder.add(batch, num)
    return folder.finish(_grid(shown, labels, titles))


def _titled(cfg: Config, model: RCGInferencer, classes: Sequence[str] | None,
            labels: Sequence[int] | None, names: str | None
            ) -> tuple[Sequence[int] | None, dict[int, str]]:
    """Labels to draw, and the title of each as far as it is known."""
    if classes:
        titles = find_labels(cfg, classes, model.num_classes, names)
        return list(titles), titles
    if model.num_classes is None:
        return labels, {}
    return labels, class_titles(cfg, model.num_classes, names)


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
        return picture(make_grid(torch.stack(images), SMALLEST))
    rows = {}
    for label, image in zip(labels, images, strict=False):
        rows.setdefault(label, []).append(image)
    return labelled_grid([(titles.get(label, f'class {label}'), row)
                          for label, row in rows.items()])


def compare_guidance(config: Config | dict | str, checkpoint: str | None,
                     scales: Sequence[float], out: str | None = None, *,
                     num: int = 16, seed: int = 0, overlap: bool = False,
                     labels: Sequence[int] | None = None,
                     batch_size: int | str = 64, device: str | None = None,
                     options: list[str] | dict | None = None) -> Path:
    """Draw the same images at several scales of guidance.

    Their random streams and representations are the same, as in figure 13 of
    RCG (arXiv:2312.03701).

    Args:
        config, checkpoint, out, num, seed, labels, batch_size, device,
            overlap, options: See :func:`sample_images`.
        scales: Guidance scales; 1 is off.

    Returns:
        Path of grid.png: images in columns, under each the same at the next
        scale.

    Raises:
        ValueError: Guidance cannot change what the model draws.
    """
    _, inferencer, folder = _start(config, checkpoint, out, device, options,
                                   overlap, num=num, seed=seed,
                                   scales=list(scales))
    model = inferencer.model
    settings.combinations(model, dict(guidance_scale=scales))  # raises
    if model.rdm is not None:
        model.rdm = CachedRDM(model.rdm)
    labels, drawn = _in_turn(labels, inferencer.num_classes, num), {}
    for scale in dict.fromkeys(scales):
        model.generator.guidance_scale = scale
        drawn[_title(scale)] = images = inferencer.sample(
            num, seed, labels, batch_size, 'tensor')
        folder.add(images, len(set(scales)) * num)
    return folder.finish(labelled_grid([
        (title, images[start:start + COLUMNS])
        for start in range(0, min(num, SHOWN), COLUMNS)
        for title, images in drawn.items()]))


def _title(scale: float) -> str:
    if scale == 1:
        return 'guidance off'
    return f"guidance_scale {scale:g} (the paper's {scale - 1:g})"


def redraw_images(config: Config | dict | str, checkpoint: str | None,
                  images: Sequence[str], out: str | None = None, *,
                  num: int = 4, seed: int = 0, batch_size: int | str = 8,
                  device: str | None = None, overlap: bool = False,
                  options: list[str] | dict | None = None) -> Path:
    """Draw images from the representations of given ones.

    Args:
        config: See :func:`~rcg.apis.run_config.load_any_config`.
        checkpoint: File or work folder. None: that is what ``config`` is.
        images: See :func:`rcg.apis.load_images`.
        out: A :class:`SampleFolder`; by default :func:`default_folder`.
        num: Images to draw from each.
        seed: Draw i of any image depends on the seed and i alone.
        batch_size: Images at a time; 'auto': as many as memory allows.
        device, overlap: See :class:`~rcg.apis.RCGInferencer`.
        options: Changes of the config by dotted key.

    Returns:
        Path of grid.png: a row for each given image.

    Raises:
        ValueError: The model has no representations.
    """
    cfg, model, folder = _start(config, checkpoint, out, device, options,
                                overlap, images=list(map(str, images)),
                                num=num, seed=seed)
    rows = []
    given, titles = load_images(cfg, images)
    for title, image in zip(titles, given, strict=True):
        drawn = model.vary(image, num, seed, batch_size, 'tensor')
        rows.append((title, [image, *drawn]))
        folder.add(drawn, len(titles) * len(drawn))
    return folder.finish(labelled_grid(rows[:SHOWN],
                                       ['given', *map(str, range(num))]))


def interpolate_images(config: Config | dict | str, checkpoint: str | None,
                       pairs: Sequence[tuple[str, str]],
                       out: str | None = None, *, steps: int = 8,
                       seed: int = 0, batch_size: int | str = 8,
                       device: str | None = None, overlap: bool = False,
                       options: list[str] | dict | None = None) -> Path:
    """Draw images between the representations of two given ones.

    Args:
        config: See :func:`~rcg.apis.run_config.load_any_config`.
        checkpoint: File or work folder. None: that is what ``config`` is.
        pairs: Two images each; see :func:`rcg.apis.load_images`.
        out: A :class:`SampleFolder`; by default :func:`default_folder`.
        steps: Images to draw for each pair, the ends included; at least 2.
        seed: All are drawn from the same random stream of this seed.
        batch_size: Images at a time; 'auto': as many as memory allows.
        device, overlap: See :class:`~rcg.apis.RCGInferencer`.
        options: Changes of the config by dotted key.

    Returns:
        Path of grid.png: a row for each pair.

    Raises:
        ValueError: The model has no representations; a name is a folder's.
    """
    record = dict(pairs=str(pairs), steps=steps, seed=seed)
    cfg, model, folder = _start(config, checkpoint, out, device, options,
                                overlap, **record)
    rows = []
    images, names = load_images(cfg, [one for pair in pairs for one in pair])
    if len(images) != 2 * len(pairs):
        raise ValueError('--interpolate takes images, not folders.')
    titles = [' to '.join(names[i:i + 2]) for i in range(0, len(names), 2)]
    for title, pair in zip(titles, images.unflatten(0, (-1, 2)), strict=True):
        drawn = model.interpolate(*pair, steps, seed, batch_size, 'tensor')
        rows.append((title, [pair[0], *drawn, pair[1]]))
        folder.add(drawn, len(titles) * len(drawn))
    weights = [f't = {i / (steps - 1):.2f}' for i in range(steps)]
    return folder.finish(labelled_grid(rows[:SHOWN], ['A', *weights, 'B']))
