"""Checks of images of any origin, before they are scored."""
import os
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from rcg.datasets.folders import ImageFolder, list_images
from rcg.datasets.map_files import map_files
from rcg.datasets.reading import (
    UNREADABLE,
    has_alpha,
    is_deep,
    open_image,
)
from rcg.registry import DATASETS


@dataclass
class ImageSet:
    """A set of images of one size.

    Attributes:
        dataset: Config of the dataset that reads them.
        size: (width, height) in pixels.
        count: Number of images.
        converted: Number of images that were not plain RGB, by what is done
            with them.
        lossy: Number of JPEG files.
    """
    dataset: dict
    size: tuple[int, int]
    count: int
    converted: dict[str, int] = field(default_factory=dict)
    lossy: int = 0


def stored_images(root: str) -> list[str]:
    """Paths of the images of a folder, without the overview of samples.

    tools/sample.py writes it beside the samples, with a record of them.
    """
    paths = list_images(root)
    if os.path.isfile(os.path.join(root, 'samples.json')):
        paths = [path for path in paths if path != 'grid.png']
    return paths


@DATASETS.register_module()
class StoredFolder(ImageFolder):
    """Every image of a folder as it is stored.

    Images are not turned as their EXIF tag says. Transparent ones are blended
    over white, as in training. The overview of tools/sample.py is left out.

    Raises:
        ValueError: On reading a damaged file.
    """
    upright = False

    def list_paths(self) -> list[str]:
        return stored_images(self.root)

    def read(self, index: int) -> tuple[np.ndarray, int]:
        try:
            return self.read_file(index), index
        except UNREADABLE as error:
            path = os.path.join(self.root, self.paths[index])
            raise ValueError(f"'{path}' is damaged or truncated ({error}); "
                             'write it again.') from error


def inspect_file(path: str) -> tuple[tuple[int, int], str, bool, str]:
    """Look at one file.

    Returns:
        size: (width, height) in pixels.
        conversion: What makes it RGB; empty if it is.
        is_jpeg: Whether it is a JPEG file.
        fault: Why it cannot be scored; empty if it can.
    """
    try:
        with open_image(path) as image:
            is_jpeg = image.format == 'JPEG'
            if is_deep(image):
                return image.size, '', is_jpeg, (
                    'has more than 8 bits a channel, and rounding them is '
                    "the generator's choice: write 8 bits")
            if has_alpha(image):
                alpha = image.convert('RGBA').getchannel('A')
                if alpha.getextrema()[0] < 255:
                    return image.size, 'blended over white', is_jpeg, ''
                return image.size, 'opaque alpha dropped', is_jpeg, ''
            how = {'RGB': '', 'L': 'gray to RGB', '1': 'gray to RGB'}.get(
                image.mode, f'{image.mode} to RGB')
            return image.size, how, is_jpeg, ''
    except UNREADABLE as error:
        return (0, 0), '', False, f'cannot be read ({error}): write it again'


def inspect_folder(root: str, num_workers: int) -> ImageSet:
    """Look at every file of a folder.

    Args:
        root: The folder.
        num_workers: Processes that read.

    Raises:
        ValueError: Files are faulty, or differ in size.
    """
    paths = [os.path.join(root, path) for path in stored_images(root)]
    sizes, converted, lossy, faults = {}, Counter(), 0, []
    for path, (size, how, is_jpeg, fault) in map_files(
            inspect_file, paths, num_workers):
        if fault:
            faults.append(f"'{path}' {fault}")
            continue
        sizes.setdefault(size, path)
        if is_jpeg:
            lossy += 1
        if how:
            converted[how] += 1
    if faults:
        raise ValueError(f'{len(faults)} of {len(paths)} files cannot be '
                         f'scored, the first: {"; ".join(faults[:3])}.')
    if len(sizes) > 1:
        if os.path.exists(os.path.join(root, 'grid.png')):
            raise ValueError(f"'{root}/grid.png' is the overview that "
                             'tools/sample.py writes, no sample: move it '
                             'elsewhere.')
        (one, first), (other, second) = list(sizes.items())[:2]
        raise ValueError(
            f"images must have one size, but '{first}' has {one[0]}x{one[1]} "
            f"and '{second}' {other[0]}x{other[1]} pixels "
            f'({len(sizes)} sizes in all). Resize them as the published '
            'numbers were: tools/prepare_imagenet_val.py makes PNG files of '
            'one size.')
    return ImageSet(dict(type='StoredFolder', data_root=root),
                    next(iter(sizes)), len(paths), dict(converted), lossy)


def inspect_images(place: str, num_workers: int = 0) -> ImageSet:
    """Look at a folder of images, or at an npz file with images.

    Raises:
        FileNotFoundError, ValueError: It is neither, or its images cannot be
            scored.
    """
    if os.path.isdir(place):
        return inspect_folder(place, num_workers)
    cfg = dict(type='ImageArchive', path=place)
    dataset = DATASETS.build(cfg)
    count, height, width, _ = dataset.images.shape
    return ImageSet(cfg, (width, height), count)
