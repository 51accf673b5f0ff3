"""Checks of a folder of images before a model is trained on it."""
import os
import re
from collections import Counter
from pathlib import Path

from rcg.apis.bit_depth import about_bits, deep_files
from rcg.apis.folder_facts import about_classes, about_files
from rcg.datasets.folders import list_images
from rcg.datasets.remembered import code_of
from rcg.datasets.shard_index import read_by_name, stamp_by_name
from rcg.datasets.survey import ON_DISK, Facts, Files, survey
from rcg.datasets.tar_shards import ShardImages, list_shards

IMAGENET = {'train': 1_281_167, 'val': 50_000}  # images of ILSVRC 2012


def check_dataset(folder: str, *, imagenet: bool = False,
                  size: int | None = None, workers: int | None = None,
                  journals: str = 'work_dirs/check_dataset') -> list[str]:
    """Read every image of a folder; print what is there, return faults.

    That is what :func:`~rcg.apis.fit` finds, too: sizes, transparency, copies,
    files left out, and labels as training takes them. A journal remembers the
    files that were read, until they change. So a call that was interrupted
    goes on when it is made again.

    Args:
        folder: Folder of images, in any nesting, or of tar shards.
        imagenet: It holds train/, val/ or both, with the classes and numbers
            of images of ILSVRC 2012; val/ may be flat.
        size: Of the model's images, in pixels; to count those that are
            smaller.
        workers: Processes that read; by default one for each core.
        journals: Folder of the journals.

    Raises:
        FileNotFoundError: There is no such folder, or no image in it.
    """
    if workers is None:
        workers = os.cpu_count()
    faults, splits = [], ['']
    if imagenet:  # if there is neither, list_images says what is missing
        splits = [split for split in IMAGENET
                  if Path(folder, split).exists()] or ['train']
    for split in splits:
        root = str(Path(folder, split))
        paths, about, files, unread = _images_of(root)
        faults += unread + _check_files(root, paths, files, size, workers,
                                        journals)
        print(about)
        if split:
            faults += imagenet_faults(split, len(paths), Counter(
                path.split('/')[0] for path in paths if '/' in path))
    return faults


def _images_of(root: str) -> tuple[list[str], str, Files, list[str]]:
    """Paths of the images, about their classes, how to read, what is wrong.

    A folder without images may have some in tar shards.
    """
    try:
        paths = list_images(root)
    except FileNotFoundError:
        if not (shards := list_shards(root)):
            raise
        return _images_of_shards(root, shards)
    return paths, about_classes(paths)[1], ON_DISK, []


def _images_of_shards(root: str, shards: list[str]
                      ) -> tuple[list[str], str, Files, list[str]]:
    good, faults = [], []
    for shard in shards:
        try:
            ShardImages(root, [shard])
            good.append(shard)
        except (OSError, ValueError) as error:
            faults.append(str(error))
    images = ShardImages(root, good)
    about = f'{len(good)} tar shards of {len(shards)} can be read. '
    try:
        labels = images.labels()
        about += 'No labels.' if labels is None else (
            f'{len(set(labels.tolist()))} labels from {labels.min()} to '
            f'{labels.max()}.')
    except ValueError as error:
        faults.append(str(error))
    return [*images], about, Files(stamp_by_name, read_by_name), faults


def _check_files(root: str, paths: list[str], files: Files, size: int | None,
                 workers: int, journals: str) -> list[str]:
    """Print what is there; what cannot be read."""
    name = f'{Path(root).resolve().name}-{code_of(root)[:8]}.jsonl'
    found = dict(zip(paths, survey(
        root, paths, workers, Path(journals, name), files=files),
        strict=True))
    _print_modes(found)
    good = [facts for facts in found.values() if not facts.error]
    folder = root if files == ON_DISK else None
    print('\n'.join([*about_files(folder, good, size),
                     *about_bits(deep_files(found))]))
    return [f"'{path}' cannot be read ({facts.error})"
            for path, facts in found.items() if facts.error]


def imagenet_faults(split: str, count: int,
                    sizes: dict[str, int]) -> list[str]:
    """How a split differs from that of ILSVRC 2012.

    Args:
        split: train or val.
        count: Number of images.
        sizes: Number of images by class folder.
    """
    faults, wanted = [], IMAGENET[split]
    if count != wanted:
        faults.append(f'{split} must have {wanted} images, got {count}')
    if len(sizes) != 1000 and (sizes or split == 'train'):
        faults.append(f'{split} must have 1000 class folders, got '
                      f'{len(sizes)}')
    odd = [name for name in sizes if not re.fullmatch(r'n\d{8}', name)]
    if odd:
        faults.append(f'{len(odd)} folders of {split} are not named like '
                      f'n01440764: {odd[:5]}')
    return faults


def _print_modes(found: dict[str, Facts]) -> None:
    """Print the modes of the good images."""
    modes = {}
    for path, facts in found.items():
        if not facts.error:
            modes.setdefault(facts.mode, []).append(path)
    for mode, paths in modes.items():
        some = '' if mode == 'RGB' else (
            f', converted when read: {paths[:5]}')
        print(f'{len(paths)} images of mode {mode}{some}')
