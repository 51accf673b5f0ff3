"""Paths in UTF-8 for libraries that take no others."""
import contextlib
import os
import tempfile
from collections.abc import Iterator

import safetensors


@contextlib.contextmanager
def utf8_path(path: str | os.PathLike) -> Iterator[str]:
    """Another path of a file or folder, if its own is not UTF-8.

    safetensors and TensorBoard refuse such paths, and OpenCV crashes. They
    get the path of a link, which goes when the context is left.
    """
    path = os.fspath(path)
    try:
        path.encode()
    except UnicodeEncodeError:
        with tempfile.TemporaryDirectory() as folder:
            suffix = os.path.splitext(path)[1]
            link = os.path.join(folder, 'link' + (
                suffix if suffix.isascii() else ''))
            os.symlink(os.path.abspath(path), link)
            yield link
    else:
        yield path


@contextlib.contextmanager
def open_safetensors(path: str | os.PathLike) -> Iterator:
    """Open a safetensors file with any path, for tensors of torch.

    Raises:
        SafetensorError: It is damaged, or no such file.
    """
    with utf8_path(path) as name, safetensors.safe_open(name, 'pt') as file:
        yield file
