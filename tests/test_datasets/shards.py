"""Tar shards for tests."""
import io
import tarfile

import numpy as np
from PIL import Image


def image(number, size=(6, 5), format='PNG'):
    content = io.BytesIO()
    Image.fromarray(np.random.default_rng(number).integers(
        0, 256, (*size[::-1], 3), dtype=np.uint8)).save(content, format)
    return content.getvalue()


def write_tar(path, files, format=tarfile.USTAR_FORMAT):
    """Write files by name; a value may be a TarInfo's attributes instead."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, 'w', format=format) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, dict):
                vars_of = content
                for key, value in vars_of.items():
                    setattr(info, key, value)
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path


def numbered(first, count, label=None):
    files = {}
    for i in range(first, first + count):
        files[f'{i:03}.png'] = image(i)
        if label is not None:
            files[f'{i:03}.cls'] = str(label(i)).encode()
    return files
