"""Given images: from files, or from a dataset by their numbers."""
import functools
import os
from collections.abc import Sequence

import torch
from mmengine.config import Config
from torch import Tensor

from rcg.datasets import ImageDataset
from rcg.datasets.folders import list_images
from rcg.datasets.reading import UNREADABLE, read_image
from rcg.registry import DATASETS, TRANSFORMS, type_name


def image_dataset(cfg: Config) -> dict:
    """Config of the image dataset in a config, without randomness.

    Held-out images (``_held_out``) are preferred to those of validation, test
    and training, in this order. Crops become central, flips are left out.

    Raises:
        ValueError: The config has no dataset of images.
    """
    found = held_out_dataset(cfg) or _first(cfg, 'val', 'test', 'train')
    if found is None:
        raise ValueError('the config names no dataset of images (_held_out, '
                         'or train_dataloader.dataset).')
    return found


def held_out_dataset(cfg: Config) -> dict | None:
    """Config of the held-out images, without randomness, if it has any."""
    return _without_randomness(cfg.get('_held_out'))


def train_dataset(cfg: Config) -> dict:
    """Config of the training images in a config, without randomness.

    Raises:
        ValueError: It names none.
    """
    found = _first(cfg, 'train')
    if found is None:
        raise ValueError('the config names no training images '
                         '(train_dataloader.dataset): give a folder or a '
                         'dataset.')
    return found


def _first(cfg: Config, *uses: str) -> dict | None:
    for use in uses:
        found = _without_randomness(
            (cfg.get(f'{use}_dataloader') or {}).get('dataset'))
        if found is not None:
            return found
    return None


def _without_randomness(found: dict | None) -> dict | None:
    """Config of a dataset of images with fixed transforms, if it is one."""
    if not found or not issubclass(DATASETS.class_of(found), ImageDataset):
        return None
    steps = [dict(step, type='CenterCrop')
             if type_name(step) == 'RandomCrop' else dict(step)
             for step in found.get('pipeline', ())]
    return dict(found, pipeline=[
        step for step in steps
        if not getattr(TRANSFORMS.build(step), 'is_random', True)])


def load_images(cfg: Config, names: Sequence[str]
                ) -> tuple[Tensor, list[str]]:
    """Images as the model of a config takes them.

    Args:
        cfg: Config of the model and of a dataset.
        names: Image files, folders of images, or numbers of images in the
            dataset; see :func:`image_dataset`.

    Returns:
        Images (N, 3, H, W) uint8, and a title for each.

    Raises:
        FileNotFoundError: A name is neither a path nor a number.
        ValueError: A file cannot be read; a number is too large.
    """
    wanted = image_dataset(cfg)

    @functools.cache  # built when it is needed: it may be large or missing
    def dataset() -> ImageDataset:
        return DATASETS.build(wanted)

    pipeline = wanted['pipeline']
    found = []  # (image, title)
    for name in names:
        if os.path.exists(name):
            if not pipeline:  # files get the size of the dataset's images
                size = dataset()[0]['images'].shape[-1]
                pipeline = [dict(type='Resize', size=size),
                            dict(type='CenterCrop', size=size)]
            found += [(_read(file, pipeline, wanted.get('bits', 16)),
                       os.path.basename(file)) for file in _files(name)]
        elif name.isdecimal():
            found.append(_item(dataset(), int(name)))
        else:
            raise FileNotFoundError(
                f"There is no image or folder '{name}' (from {os.getcwd()}),"
                f' and it is no number of an image of {wanted["type"]}.')
    images, titles = zip(*found, strict=True)
    return torch.stack(images), list(titles)


def _files(path: str) -> list[str]:
    """The images in a folder, or the one file."""
    if os.path.isdir(path):
        return [os.path.join(path, name) for name in list_images(path)]
    return [path]


def _item(dataset: ImageDataset, index: int) -> tuple[Tensor, str]:
    title = f'{type(dataset).__name__}[{index}]'
    if index >= len(dataset):
        raise ValueError(f'there is no {title}: it has {len(dataset)} '
                         'images, counted from 0.')
    item = dataset[index]
    if dataset.classes:
        title += f' ({dataset.classes[item["labels"]]})'
    return item['images'], title


def _read(path: str, pipeline: list[dict], bits: int) -> Tensor:
    try:
        results = dict(img=read_image(path, bits=bits), rng=None)
    except UNREADABLE as error:
        raise ValueError(f"'{path}' cannot be read as an image "
                         f'({type(error).__name__}: {error}).') from error
    for step in pipeline:
        results = TRANSFORMS.build(step)(results)
    return torch.from_numpy(results['img'].copy()).permute(2, 0, 1)
