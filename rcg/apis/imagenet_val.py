"""The published evaluation images of the ImageNet validation set."""
import functools
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from rcg.checkpoint import open_atomically
from rcg.datasets import CenterCrop, Resize
from rcg.datasets.folders import folder_classes, list_images
from rcg.datasets.map_files import map_files
from rcg.datasets.reading import UNREADABLE, read_image
from rcg.files import read_json

NUM_IMAGES, NUM_CLASSES = 50_000, 1000


def prepare_imagenet_val(src: str, dst: str, *, size: int = 256,
                         resize: str = 'bilinear',
                         num_images: int = NUM_IMAGES,
                         workers: int | None = None) -> int:
    """Make a PNG file of each image of the validation set.

    The shorter side is resized, then the centre is cropped, as RCG's
    evaluation did. A call that was interrupted goes on when it is made again.

    Args:
        src: Folder of the images, flat or with a folder for each class.
        dst: Folder of the PNG files.
        size: Their side in pixels.
        resize: Filter: bilinear as published, bicubic or lanczos.
        num_images: How many images there must be. Classes are counted if it
            is 50,000.
        workers: Processes; by default one for each core.

    Returns:
        The number of images that cannot be read. Their names are printed.

    Raises:
        ValueError: The number of images or classes is wrong; two images
            would get one name; ``dst`` holds files that were made otherwise.
    """
    folder = Path(dst)
    files = find_images(src, num_images)
    _check_settings(folder, dict(size=size, resize=resize,
                                 num_images=num_images))
    todo = [path for path in files if not _target(path, folder).exists()]
    print(f'{len(files) - len(todo)} of {len(files)} were made before',
          flush=True)
    work = functools.partial(_prepare, dst=folder, size=size, resize=resize)
    if workers is None:
        workers = os.cpu_count()
    bad = _count_unreadable(map_files(work, todo, workers))
    print(f'{len(files) - bad} of {len(files)} files are in {dst}')
    return bad


def _count_unreadable(done: Iterable[tuple[str, str | None]]) -> int:
    """Print the files that could not be read, and count them.

    Args:
        done: Path and error, if any, of each file.
    """
    bad = 0
    for path, error in done:
        if error:
            bad += 1
            print(f"'{path}' cannot be read ({error})", file=sys.stderr,
                  flush=True)
    return bad


def find_images(src: str, num_images: int) -> list[str]:
    """Paths of the images, sorted by the names of their PNG files.

    Raises:
        ValueError: The number of images or classes is wrong, or two images
            have one name.
    """
    paths = list_images(src)
    if len(paths) != num_images:
        raise ValueError(f"'{src}' must hold {num_images} images, got "
                         f'{len(paths)}. Is it the validation set, unpacked '
                         'to the end? (--num-images for other data)')
    classes = folder_classes(paths)
    if classes and num_images == NUM_IMAGES:
        sizes = Counter(classes[0])
        wrong = [classes[1][i] for i in sizes if sizes[i] != 50]
        if len(sizes) != NUM_CLASSES or wrong:
            raise ValueError(
                f"'{src}' must hold {NUM_CLASSES} class folders of 50 images, "
                f'got {len(sizes)} folders; with another number of images: '
                f'{len(wrong)} {wrong[:5]}.')
    names = Counter(Path(path).stem for path in paths)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise ValueError(f'{len(twice)} names occur more than once, such as '
                         f'{twice[:3]}; the files of DST could not be told '
                         'apart.')
    return sorted((os.path.join(src, path) for path in paths),
                  key=lambda path: Path(path).stem)


def _target(path: str, dst: Path) -> Path:
    return dst / f'{Path(path).stem}.png'


def _check_settings(dst: Path, settings: dict) -> None:
    """Note in a folder how its files are made.

    Raises:
        ValueError: It holds files that were made in another way, or in a way
            that is not known.
    """
    dst.mkdir(parents=True, exist_ok=True)
    path = dst / 'prepared.json'
    if path.exists():
        before = read_json(path)
        if before != settings:
            raise ValueError(f"'{path}' says that the files there were made "
                             f'with {before}, not {settings}; take another '
                             'folder, or empty this one.')
    elif any(dst.glob('*.png')):
        raise ValueError(f"'{dst}' holds PNG files that this tool did not "
                         'make; take another folder, or empty this one.')
    with open_atomically(path) as file:
        file.write(json.dumps(settings, indent=1).encode())


def _prepare(path: str, dst: Path, size: int, resize: str) -> str | None:
    """Write one file; return what is wrong with its source, if anything."""
    try:
        # As stored: the published script ignores EXIF, too.
        pixels = read_image(path, upright=False)
    except UNREADABLE as error:
        return f'{type(error).__name__}: {error}'
    pixels = CenterCrop(size).apply(Resize(size, resize).apply(pixels, None),
                                    None)
    done = _target(path, dst)
    part = done.with_name(f'.{done.name}.part')  # overwritten when resumed
    Image.fromarray(pixels).save(part, 'png')
    part.replace(done)
    return None
