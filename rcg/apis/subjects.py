"""What a user asks to see: images to start from, classes by name."""
import contextlib
import difflib
import functools
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config
from torch import Tensor

from rcg.datasets import ImageDataset
from rcg.datasets.folders import list_images
from rcg.datasets.reading import UNREADABLE, read_image
from rcg.registry import DATASETS, TRANSFORMS


def image_dataset(cfg: Config) -> dict:
    """Config of the real images that a config names, without randomness.

    Held-out images (``_held_out``) come before those of the validation, and
    these before the training images. Crops become central, flips are left
    out.

    Raises:
        ValueError: The config names no images.
    """
    places = [cfg.get('_held_out')]
    places += [(cfg.get(f'{use}_dataloader') or {}).get('dataset')
               for use in ('val', 'test', 'train')]
    for found in places:
        if found and issubclass(DATASETS.get(found['type']), ImageDataset):
            pipeline = _without_chance(found.get('pipeline', ()))
            return dict(found, pipeline=pipeline)
    raise ValueError('the config names no dataset of images (_held_out, or '
                     'train_dataloader.dataset).')


def _without_chance(pipeline: Sequence[dict]) -> list[dict]:
    kept = []
    for step in pipeline:
        if step['type'] == 'RandomCrop':
            step = dict(step, type='CenterCrop')
        if not getattr(TRANSFORMS.build(dict(step)), 'is_random', True):
            kept.append(dict(step))
    return kept


def load_images(cfg: Config, names: Sequence[str]
                ) -> tuple[Tensor, list[str]]:
    """Images as the model of a config takes them.

    Args:
        cfg: Config of the model; see :func:`image_dataset`.
        names: Image files, folders of images, or indices of images in the
            config's dataset (for what is no path).

    Returns:
        Images (N, 3, H, W) uint8, and a title for each.

    Raises:
        FileNotFoundError: A name is neither a path nor an index.
        ValueError: A file cannot be read; an index is too large.
    """
    wanted = image_dataset(cfg)

    @functools.cache  # built only if it is needed: it may be large, or absent
    def dataset() -> ImageDataset:
        return DATASETS.build(wanted)

    pipeline = wanted['pipeline']
    images, titles = [], []
    for name in names:
        if os.path.exists(name):
            if not pipeline:  # images of the dataset have their size
                size = dataset()[0]['images'].shape[-1]
                pipeline = [dict(type='Resize', size=size),
                            dict(type='CenterCrop', size=size)]
            files = [os.path.join(name, file) for file in
                     list_images(name)] if os.path.isdir(name) else [name]
            images += [_read(file, pipeline) for file in files]
            titles += [os.path.basename(file) for file in files]
        elif name.isdecimal():
            image, title = _item(dataset(), int(name))
            images.append(image)
            titles.append(title)
        else:
            raise FileNotFoundError(
                f"There is no image or folder '{name}' (from {os.getcwd()}),"
                f' and it is no number of an image of {wanted["type"]}.')
    return torch.stack(images), titles


def _item(dataset: ImageDataset, index: int) -> tuple[Tensor, str]:
    title = f'{type(dataset).__name__}[{index}]'
    if index >= len(dataset):
        raise ValueError(f'there is no {title}: it has {len(dataset)} '
                         'images, counted from 0.')
    item = dataset[index]
    if dataset.classes:
        title += f' ({dataset.classes[item["labels"]]})'
    return item['images'], title


def _read(path: str, pipeline: list[dict]) -> Tensor:
    try:
        results = dict(img=read_image(path), rng=None)
    except UNREADABLE as error:
        raise ValueError(f"'{path}' cannot be read as an image "
                         f'({type(error).__name__}: {error}).') from error
    for step in pipeline:
        results = TRANSFORMS.build(dict(step))(results)
    return torch.from_numpy(results['img'].copy()).permute(2, 0, 1)


def class_names(cfg: Config, file: str | None = None) -> list[list[str]]:
    """Names of every class, the usual one first.

    Args:
        cfg: Names the dataset. ImageNet's names (with synonyms and WordNet
            ids) come with timm; other datasets are built and asked.
        file: Text with a class a line, or JSON: a list, or a dict by number.
            Synonyms are separated by commas or are a list.

    Raises:
        ValueError: The dataset has no classes; the file is not understood.
    """
    if file is not None:
        return _read_names(file)
    wanted = image_dataset(cfg)
    if wanted['type'] == 'ImageNet':  # not asked: it may not be there
        from timm.data import ImageNetInfo
        info = ImageNetInfo()
        return [[*info.index_to_description(i).split(', '),
                 info.index_to_label_name(i)]
                for i in range(info.num_classes())]
    classes = DATASETS.build(wanted).classes
    if classes is None:
        raise ValueError(f'{wanted["type"]} has no names of classes; give '
                         '--class-names FILE, or numbers.')
    return [[name] for name in classes]


def _read_names(file: str) -> list[list[str]]:
    text = Path(file).expanduser().read_text()
    try:
        entries = json.loads(text)
    except json.JSONDecodeError:
        entries = [line for line in text.splitlines() if line.strip()]
    if isinstance(entries, dict):
        entries = [entries.get(str(i)) for i in range(len(entries))]
    if not isinstance(entries, list) or not all(entries or [None]):
        raise ValueError(f"'{file}' must hold a name a line, or a JSON list "
                         'of names, or a dict of them by "0", "1", ...')
    return [re.split(r',\s*', entry.strip()) if isinstance(entry, str) else
            entry for entry in entries]


def find_labels(cfg: Config, words: Sequence[str], num_classes: int | None,
                file: str | None = None) -> dict[int, str]:
    """The labels that words mean: names of classes, or else numbers.

    Args:
        cfg: Names the dataset; see :func:`class_names`.
        words: Names in any case, with blanks or underscores; or numbers.
        num_classes: Labels that the model knows.
        file: Names of the classes, to take instead of the dataset's.

    Returns:
        Title of each label, in the order of the words.

    Raises:
        ValueError: There is no such class, or several; the message names
            the nearest, or which ones. The model takes no labels.
    """
    if num_classes is None:
        raise ValueError('classes need a class-conditional model; neither '
                         'generator nor RDM of this one is.')
    numbers = file is None and all(map(str.isdecimal, words))
    names = []  # needless for numbers
    with contextlib.suppress(*(OSError, ValueError) if numbers else ()):
        names = class_names(cfg, file)
    if names and len(names) != num_classes:
        raise ValueError(f'there are {len(names)} names for the '
                         f'{num_classes} classes of the model; give the '
                         'right ones with --class-names FILE.')
    known = {}
    for label, synonyms in enumerate(names):
        for name in synonyms:
            known.setdefault(_plain(name), []).append(label)
    labels = [_find_label(word, known, names, num_classes) for word in words]
    return {label: names[label][0] if names else f'class {label}'
            for label in labels}


def _plain(name: str) -> str:
    return name.casefold().replace('_', ' ').strip()


def _find_label(word: str, known: dict[str, list[int]],
                names: list[list[str]], num_classes: int) -> int:
    found = known.get(_plain(word), ())
    if len(found) > 1:
        which = '; '.join(f'{i} ({", ".join(names[i])})' for i in found)
        raise ValueError(f"'{word}' names several classes, give a number: "
                         f'{which}.')
    if found:
        return found[0]
    if word.isdecimal() and int(word) < num_classes:
        return int(word)
    near = [name for name in known if _plain(word) in name.split()]
    near += difflib.get_close_matches(_plain(word), known, n=5)
    hint = ', '.join(repr(name) for name in dict.fromkeys(near[:8]))
    raise ValueError(f"no class is named '{word}'" + (
        f'; near: {hint}.' if hint else
        f'; classes are the numbers 0 to {num_classes - 1}.'))
