"""Real images, or statistics of them, given on the command line."""
import json
import os
import zipfile
from pathlib import Path

import numpy as np

from rcg.datasets.image_files import look_at, look_at_folder


def named(references: list[str]) -> dict[str, str]:
    """Places of the references by name."""
    found = {}
    for text in references:
        name, mark, place = text.partition('=')
        name, place = (name, place) if mark else (Path(text).stem, text)
        if name in found:
            raise ValueError(f"two references are named '{name}': write "
                             'NAME=REAL.')
        found[name] = place
    return found


def look_at_reference(place: str, size: tuple[int, int],
                      num_workers: int = 0) -> dict | str:
    """A reference for images of a size: config of a dataset, or a file.

    Raises:
        FileNotFoundError, ValueError: It is none, or of another size.
    """
    reference, other = place, None
    if os.path.isdir(place):
        images = look_at_folder(place, num_workers)
        reference, other = images.dataset, images.size
    elif not place.endswith('.npz'):
        raise ValueError(f"'{place}' is neither a folder nor an npz file; "
                         'tools/reference_statistics.py converts others.')
    elif os.path.isfile(place):
        names, about = describe_npz(place)
        other = (look_at(place).size if 'arr_0' in names
                 else about.get('image_size'))
    if other is not None and tuple(other) != tuple(size):
        raise ValueError(
            f"'{place}' was made of images of {other[0]}x{other[1]} pixels, "
            f'and yours have {size[0]}x{size[1]}: another resize, so the '
            'distance would be of sizes. Resize the real images as '
            'the published numbers were (tools/prepare_imagenet_val.py '
            '--size), or generate at their size.')
    return reference


def describe_npz(path: str) -> tuple[list[str], dict]:
    """Names of the arrays, and what a file of ours says about itself."""
    try:
        with np.load(path, allow_pickle=False) as content:
            about = content['about'] if 'about' in content.files else '{}'
            return content.files, json.loads(str(about))
    except (zipfile.BadZipFile, EOFError, ValueError, AttributeError):
        return [], {}  # the reference itself says what is wrong
