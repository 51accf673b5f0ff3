"""Images in folders: unlabeled, one folder a class, ImageNet."""
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from rcg.datasets.bad_files import allowed_bad
from rcg.datasets.file_images import FileImages
from rcg.datasets.held_out import SPLITS, split_of
from rcg.datasets.packed_paths import PackedPaths
from rcg.datasets.reading import EXTENSIONS, read_image
from rcg.registry import DATASETS
from rcg.spread import evenly_spread

OUTPUT = '.rcg_output'  # in a folder that rcg writes to


def list_images(root: str) -> list[str]:
    """Paths of all images in a folder and its subfolders.

    Hidden files and folders are left out: macOS puts ``._photo.jpg`` beside
    ``photo.jpg``. So are subfolders that :func:`keep_out` marked. A folder
    that links lead to several times is read once.

    Returns:
        Sorted paths, relative to ``root``, with / on all systems.

    Raises:
        FileNotFoundError: The folder is missing or holds no image.
        NotADirectoryError: ``root`` is a file.
    """
    if not os.path.exists(root):
        raise FileNotFoundError(
            f"There is no folder '{root}' (from {os.getcwd()}). Put the "
            'images there, or link them: ln -s /path/to/images '
            f"'{root}'. Any nesting will do.")
    if not os.path.isdir(root):
        raise NotADirectoryError(
            f"data_root must be a folder of images, but '{root}' is a file; "
            'unpack it first if it is an archive.')
    paths = [os.path.join(folder, name) for folder, files, _ in walk_once(root)
             for name in files]
    images = [path.removeprefix(os.path.join(root, '')).replace(os.sep, '/')
              for path in paths if path.lower().endswith(EXTENSIONS)]
    if not paths:
        raise FileNotFoundError(f"The folder '{root}' is empty. Put images "
                                'into it, flat or in folders.')
    if not images:
        found = Counter(sorted(os.path.splitext(path)[1].lower()
                               or 'no extension' for path in paths))
        found = ', '.join(f'{n} x {x}' for x, n in found.most_common(8))
        raise FileNotFoundError(
            f"The folder '{root}' holds no image. Found: {found}. Known "
            f'image formats: {", ".join(EXTENSIONS)}; unpack archives and '
            'convert other formats first. Tar shards (webdataset) are read by '
            'the dataset TarShards.')
    return sorted(images)


def left_out(root: str) -> Counter:
    """How many files of a folder :func:`list_images` leaves out, by ending.

    Hidden files and folders count as 'hidden', and so do those that
    :func:`keep_out` marked.
    """
    endings = Counter()
    for _, files, hidden in walk_once(root):
        for name in files:
            if not name.lower().endswith(EXTENSIONS):
                endings[os.path.splitext(name)[1].lower()
                        or 'without ending'] += 1
        if hidden:
            endings['hidden'] += len(hidden)
    return endings


def walk_once(root: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Every folder once: its path, its files, what is hidden in it."""
    visited = set()
    for folder, subfolders, files in os.walk(root, followlinks=True):
        if os.path.realpath(folder) in visited:  # a link back up
            subfolders[:] = []
            continue
        visited.add(os.path.realpath(folder))
        hidden = [name for name in files if name[0] == '.'] + [
            name for name in subfolders
            if name[0] == '.' or os.path.exists(
                os.path.join(folder, name, OUTPUT))]
        subfolders[:] = sorted(set(subfolders).difference(hidden))
        yield folder, [name for name in files if name[0] != '.'], hidden


def keep_out(folder: str, root: str) -> bool:
    """Mark a folder for results, so that it is no part of a data set.

    Its pictures would be listed as images of ``root`` otherwise, if it is in
    there: in the next training, and when this one is resumed.

    Returns:
        Whether it is inside of ``root``; otherwise nothing was done.
    """
    out, images = (os.path.realpath(os.path.expanduser(path))
                   for path in (folder, root))
    if out == images or not out.startswith(os.path.join(images, '')):
        return False
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, OUTPUT), 'w', encoding='utf-8') as file:
        file.write(
            'rcg writes here, so its pictures are no images of a data set '
            'in a folder above.\nWithout this file they are.\n')
    return True


def folder_classes(paths: Sequence[str], classes: Sequence[str] | None = None
                   ) -> tuple[list[int], list[str]] | None:
    """Take the first folder of each path for its class.

    Args:
        paths: Relative, with /.
        classes: Names in the order of their labels; some may have no folder.

    Returns:
        The label of each path, and the names of the classes, by default
        sorted. None if a path has no folder or all have the same: those are
        no classes, unless they are named.

    Raises:
        ValueError: Classes are named, and a path is in none of them.
    """
    tops = [path.rpartition('/')[0].partition('/')[0] for path in paths]
    if classes is None:
        classes = sorted(set(tops))
        if '' in classes or len(classes) < 2:
            return None
    number = {name: label for label, name in enumerate(classes)}
    for path, top in zip(paths, tops, strict=True):
        if top not in number:
            raise ValueError(
                f"'{path}' is in none of the folders {list(classes)}, which "
                "the dataset's `classes` name: move it, or name its folder.")
    return [number[top] for top in tops], list(number)


def _numbers_of(split: str, root: str, paths: Sequence[str],
                share: float) -> list[int]:
    """Which of the paths are in a split."""
    if split not in SPLITS:
        raise ValueError(f'split must be one of {SPLITS} or None, got '
                         f'{split!r}.')
    wanted = split == 'held_out'
    return [number for number, is_out in enumerate(
        split_of(root, paths, share)) if is_out == wanted]


@DATASETS.register_module()
class ImageFolder(FileImages):
    """Images of a folder, in any nesting; labels if each class has a folder.

    Args:
        data_root: The folder.
        pipeline: Transforms, ending in a crop unless all files have one size.
        num_images: Take this many, evenly spread over the sorted files. None
            takes all.
        split: 'train' or 'held_out'; None takes both. See :mod:`held_out
            <rcg.datasets.held_out>`. Classes are those of the whole folder.
        held_out: Share of the images that is held out, about.
        classes: Names of the class folders in the order of their labels, for
            classes that have no images (yet). By default the folders that
            there are, sorted.
        bits, max_memory: See :class:`~rcg.datasets.file_images.FileImages`.

    Raises:
        FileNotFoundError: The folder is missing or holds no image.
        RuntimeError: While reading: more files are bad than
            :func:`allowed_bad` says.
        ValueError: An argument is out of range, or there are too few images
            to hold some out.
    """

    def __init__(self, data_root: str, pipeline: Sequence[dict] = (),
                 num_images: int | None = None, split: str | None = None,
                 held_out: float = .1, classes: Sequence[str] | None = None,
                 bits: int = 16, max_memory: int = 1 << 30) -> None:
        root = self.root = os.path.expanduser(data_root)
        paths = self.list_paths()
        found = folder_classes(paths, classes)
        labels, classes = (None, None) if found is None else found
        usable = range(len(paths))
        if split is not None:
            usable = _numbers_of(split, root, paths, held_out)
        chosen = [usable[i] for i in evenly_spread(len(usable), num_images)]
        if labels is not None:
            labels = [labels[i] for i in chosen]
        # A split may hold all bad files of its folder, but never nothing else.
        allowed = allowed_bad(len(chosen if split is None else paths))
        super().__init__(root, PackedPaths(paths[i] for i in chosen), allowed,
                         labels, classes, pipeline, bits, max_memory)

    def list_paths(self) -> list[str]:
        """Paths of all images, relative to the folder, sorted."""
        return list_images(self.root)

    def keep_out(self, folder: str) -> None:
        """Make a folder for results no part of the data set."""
        keep_out(folder, self.root)

    def identity(self) -> Iterable[bytes]:
        yield self.reading
        for path in self.paths:
            try:
                size = os.path.getsize(os.path.join(self.root, path))
            except OSError:  # a broken link, say: read() passes over it
                size = -1
            yield os.fsencode(path) + f' {size}'.encode()

    def read_file(self, index: int) -> np.ndarray:
        return read_image(os.path.join(self.root, self.paths[index]),
                          self.upright, self.bits)


@DATASETS.register_module()
class ImageNet(ImageFolder):
    """ImageNet (ILSVRC 2012): ``train/`` and ``val/`` with class folders.

    Args:
        data_root: The folder that holds ``train`` and ``val``.
        split: 'train' or 'val'. ``val`` may have all images in one folder,
            as it is distributed; then it has no labels.
        pipeline: Configs of transforms, ending in a crop.
        num_images: Take this many, evenly spread over the sorted files. None
            takes all.

    Raises:
        FileNotFoundError: The folder of the split is missing or empty.
        ValueError: ``train`` has no class folders.
    """
    # The published code reads the pixels as they are stored.
    upright = False
    # Of the whole data set. A model of so many may be tried on a part of it.
    published_classes = 1000

    def __init__(self, data_root: str, split: str = 'train',
                 pipeline: Sequence[dict] = (),
                 num_images: int | None = None) -> None:
        if split not in ('train', 'val'):
            raise ValueError(f"split must be 'train' or 'val', got {split!r}.")
        folder = os.path.join(os.path.expanduser(data_root), split)
        if not os.path.isdir(folder):
            raise FileNotFoundError(
                f"ImageNet needs the folder '{folder}'. Download ILSVRC 2012 "
                'from https://image-net.org and unpack it to '
                f'{split}/n01440764/*.JPEG and so on.')
        super().__init__(folder, pipeline, num_images)
        if split == 'train' and self.classes is None:
            raise ValueError(
                f"'{folder}' has no class folders (n01440764, ...). Unpack "
                'the archive of each class into a folder of its own, or use '
                'ImageFolder for images without labels.')
