"""References as the command line names them."""
import os
from pathlib import Path

from rcg.datasets.image_files import inspect_folder, inspect_images
from rcg.datasets.npz import array_names, read_arrays
from rcg.evaluation.references.statistics_formats import about_of


def places_by_name(references: list[str]) -> dict[str, str]:
    """Folders or files by name, from ``NAME=REAL`` or ``REAL``.

    Without a name, it is that of the folder or file. A folder or file whose
    path holds a ``=`` needs none.

    Raises:
        ValueError: Two have the same name.
    """
    found = {}
    for text in references:
        name, mark, place = text.partition('=')
        if not mark or os.path.exists(text):
            name, place = Path(text).stem, text
        if name in found:
            raise ValueError(f"two references are named '{name}': write "
                             'NAME=REAL.')
        found[name] = place
    return found


def inspect_reference(place: str, size: tuple[int, int],
                      num_workers: int = 0) -> dict | str:
    """Check what images are to be compared with.

    Args:
        place: Folder of images or npz file.
        size: (width, height) of the images to be scored, in pixels.
        num_workers: Processes that look at the files of a folder.

    Returns:
        For :func:`build_reference`: config of a dataset, or the file.

    Raises:
        FileNotFoundError, ValueError: It is no reference, or was made of
            images of another size.
    """
    reference, other = place, None
    if os.path.isdir(place):
        images = inspect_folder(place, num_workers)
        reference, other = images.dataset, images.size
    elif not place.endswith('.npz'):
        raise ValueError(f"'{place}' is neither a folder nor an npz file; "
                         'tools/reference_statistics.py converts others.')
    elif os.path.isfile(place):
        names, about = describe_npz(place)
        other = (inspect_images(place).size if 'arr_0' in names
                 else about.get('image_size'))
    if other is not None and tuple(other) != tuple(size):
        raise ValueError(
            f"'{place}' was made of images of {other[0]}x{other[1]} pixels, "
            f'and yours have {size[0]}x{size[1]}, so the distance would '
            'mostly measure the resize. Resize the real images as for the '
            'published numbers (tools/prepare_imagenet_val.py --size), or '
            'generate images of their size.')
    return reference


def describe_npz(path: str) -> tuple[list[str], dict]:
    """Names of the arrays, and what a file of ours says about itself.

    Both are empty if the file cannot be read.
    """
    try:
        about = read_arrays(path, ['about']).get('about', '{}')
        return array_names(path), about_of(path, str(about))
    except (OSError, ValueError):
        return [], {}  # building the reference says what is wrong
