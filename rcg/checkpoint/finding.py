"""Finding a checkpoint in a work folder, and what is wrong with a file."""
import contextlib
import os
import pickle
import re

import safetensors

from .utf8 import open_safetensors
from .zip_members import read_directory

_ARCHIVES = {b'\x1f\x8b': 'gzip', b'BZh': 'bzip2', b'\xfd7zXZ': 'xz',
             b'7z\xbc\xaf': '7z', b'Rar!': 'rar'}
_AGAIN = "Download it again and compare its size with the publisher's."
_UNPACK = 'Unpack it and give the file inside.'
CONVERT = 'convert it with: python tools/convert_checkpoint.py '


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used; the message says which and why.

    Attributes:
        missing: Names of weights that the module has and the file lacks.
        unexpected: Names that the file has and the module lacks.
        mis_shaped: Lines 'name: wanted (..), got (..)'.
    """
    missing = unexpected = mis_shaped = ()


class MissingCheckpointError(FileNotFoundError):
    """There is no checkpoint at a path.

    Attributes:
        path: A file or a folder.
    """

    def __init__(self, text: str, path: str = '') -> None:
        super().__init__(text)
        self.path = path


def find_checkpoint(path: str) -> str:
    """Find a checkpoint file.

    Args:
        path: A file or a work folder. In a folder it is the first one of
            :func:`list_checkpoints`.

    Raises:
        FileNotFoundError: There is no file, or no checkpoint in the folder.
        CheckpointError: The newest file of the folder is truncated. The
            message names the newest complete one.
    """
    path = os.path.expanduser(str(path))
    if os.path.isfile(path):
        return path
    if '://' in path:
        raise FileNotFoundError(f"'{path}' is on another machine: download "
                                'it and give the path of the file.')
    if not os.path.isdir(path):
        name = os.path.splitext(os.path.basename(path))[0]
        raise MissingCheckpointError(
            f"There is no checkpoint '{path}' (neither a file nor a work "
            'folder). Train it first, or correct the path. For released '
            f"weights, look for '{name}' in docs/model_zoo.md: it says what "
            'to download and how to convert it. RCG_WEIGHTS=... before a '
            'command names the folder of converted weights.', path)
    candidates, _ = list_checkpoints(path)
    if not candidates:
        raise MissingCheckpointError(
            f"The folder '{path}' holds no checkpoint (iter_N.pth or "
            'epoch_N.pth). Has its training saved one yet?', path)
    good = next((it for it in candidates if not what_is_wrong(it)), None)
    if good == candidates[0]:
        return good
    raise CheckpointError(
        f"The newest checkpoint '{candidates[0]}' is truncated. " +
        (f"The newest complete one is '{good}': name it explicitly, or "
         'delete the truncated file.' if good else
         'No other checkpoint in this folder is complete.'))


def list_checkpoints(folder: str) -> tuple[list[str], str | None]:
    """List the checkpoints of a work folder, the newest first.

    Returns:
        Paths: first the file that ``last_checkpoint`` names, then those of
        higher iterations before lower ones. And a sentence if something was
        saved but ``last_checkpoint`` does not name a file in the folder, else
        None. The folder may have been moved since it was written. A file
        elsewhere counts only if the folder itself holds no checkpoint.
    """
    names = [name for name in os.listdir(folder) if re.fullmatch(
        r'(iter|epoch)_\d+\.(pth|safetensors)', name)]
    names.sort(key=lambda name: int(re.search(r'\d+', name)[0]), reverse=True)
    paths = [os.path.join(folder, name) for name in names]
    paths = list(filter(os.path.isfile, paths))
    pointer = os.path.join(folder, 'last_checkpoint')
    if not os.path.lexists(pointer):
        return paths, f"There is no '{pointer}'." if paths else None
    newest, wrong = _read_pointer(pointer)
    if newest is None:
        return paths, f"'{pointer}' {wrong}."
    if _is_inside(newest, folder) or not paths:
        return list(dict.fromkeys([newest, *paths])), None
    return paths, f"'{pointer}' names a file elsewhere, '{newest}'."


def _read_pointer(pointer: str) -> tuple[str | None, str]:
    """The file that ``last_checkpoint`` names, or what is wrong with it."""
    if not os.path.isfile(pointer):  # reading a pipe would wait for ever
        return None, 'is no file'
    try:
        with open(pointer, 'rb') as file:
            name = os.fsdecode(file.read(1 << 14)).strip()
    except OSError as error:
        return None, f'cannot be read ({error.strerror})'
    if not name:
        return None, 'is empty'
    folder = os.path.dirname(pointer)
    # MMEngine's CheckpointHook writes a whole path. The folder may have been
    # moved; with an out_dir the file is elsewhere.
    places = (os.path.join(folder, os.path.basename(name)),
              os.path.join(folder, name), os.path.abspath(name))
    found = next(filter(os.path.isfile, places), None)
    if found is None:
        shown = name[:80].encode('ascii', 'backslashreplace').decode()
        return None, f'names no file ({shown!r})'
    return found, ''


def _is_inside(path: str, folder: str) -> bool:
    """Whether a path lies below a folder; links are not followed."""
    start = os.path.join(os.path.abspath(folder), '')
    return os.path.abspath(path).startswith(start)


def what_is_wrong(path: str) -> str | None:
    """Tell what a file is that is no checkpoint, and what to do about it.

    Returns:
        Two sentences. None if the file begins like a checkpoint and is not
        truncated. Truncation does not show in the format of torch < 1.6.
    """
    size = os.path.getsize(path)
    with open(path, 'rb') as file:
        head = file.read(4096)
    text = head.lstrip(b'\xef\xbb\xbf \t\r\n').lower()
    if not size:
        return f'It is empty: the download or the disk failed. {_AGAIN}'
    if text.startswith((b'<!doctype html', b'<html', b'<head')):
        return ('It is a web page (HTML), saved in place of the file: links '
                'of Google Drive lead to a page that asks for confirmation. '
                'Open the link in a browser and confirm, or use gdown; the '
                'real file is far larger.')
    if text.startswith((b'<?xml', b'<error')):
        return ('It is an error message of the server (XML), saved in place '
                'of the file. Read it, and download the file again.')
    if text.startswith(b'version https://git-lfs'):
        real = re.search(rb'size (\d+)', text)
        of_size = f' of {int(real[1]):,} bytes' if real else ''
        return (f'It is a Git LFS pointer, not the file{of_size} that it '
                'points to. Run: git lfs pull')
    kind = next((kind for magic, kind in _ARCHIVES.items()
                 if head.startswith(magic)), None)
    if kind or head[257:262] == b'ustar':
        return f'It is a {kind or "tar"} archive. {_UNPACK}'
    if str(path).endswith('.safetensors'):
        with contextlib.suppress(safetensors.SafetensorError), \
                open_safetensors(path):
            return None
        return f'It is truncated, or no safetensors file. {_AGAIN}'
    if size < 8:
        return f'It is truncated: it has {size} bytes. {_AGAIN}'
    return _wrong_zip(path) if head.startswith(b'PK') else None


def _wrong_zip(path: str) -> str | None:
    try:
        with open(path, 'rb') as file:
            names = list(read_directory(file))
    except pickle.UnpicklingError as error:
        text = str(error)
        return f'{text[0].upper()}{text[1:]}. {_AGAIN}'
    inside = {name.partition('/')[2] for name in names}
    if 'constants.pkl' in inside:
        return ('It is a TorchScript program, which holds code. Give a file '
                'of weights (torch.save of a state dict).')
    if 'data.pkl' in inside:
        return None
    first = ', '.join(names[:4]) or 'nothing'
    return f'It is a zip archive that holds {first}. {_UNPACK}'
