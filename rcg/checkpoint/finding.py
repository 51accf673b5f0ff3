"""Finding a checkpoint in a work folder, and telling whole from cut off."""
import contextlib
import hashlib
import json
import os
import re
import zipfile

from .errors import CheckpointError


def find_checkpoint(path: str) -> str:
    """Find a checkpoint file.

    Args:
        path: A file, or a work folder. In a folder, ``last_checkpoint`` names
            the newest; only its last path component counts, so that a folder
            may be moved. Without it, the highest iteration is the newest.

    Raises:
        FileNotFoundError: Nothing is there.
        CheckpointError: The newest file of the folder is truncated; the
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
        raise FileNotFoundError(
            f"There is no checkpoint '{path}' (neither a file nor a work "
            'folder). Train it first, or correct the path. For released '
            f"weights, look for '{name}' in docs/model_zoo.md: it says what "
            'to download and how to convert it. RCG_WEIGHTS=... before a '
            'command names the folder of converted weights.')
    candidates = _newest_first(path)
    if not candidates:
        raise FileNotFoundError(
            f"The folder '{path}' holds no checkpoint (iter_N.pth or "
            'epoch_N.pth). Has its training saved one yet?')
    if is_complete(candidates[0]):
        return candidates[0]
    good = next(filter(is_complete, candidates), None)
    raise CheckpointError(
        f"The newest checkpoint '{candidates[0]}' is truncated. " +
        (f"The newest complete one is '{good}': name it explicitly, or "
         'delete the truncated file.' if good else
         'No other checkpoint in this folder is complete.'))


def _newest_first(folder: str) -> list[str]:
    numbered = []
    for name in os.listdir(folder):
        match = re.fullmatch(r'(?:iter|epoch)_(\d+)\.(?:pth|safetensors)',
                             name)
        if match:
            numbered.append((int(match[1]), name))
    names = [name for _, name in sorted(numbered, reverse=True)]
    with contextlib.suppress(FileNotFoundError), \
            open(os.path.join(folder, 'last_checkpoint')) as file:
        last = os.path.basename(file.read().strip())
        if last and os.path.isfile(os.path.join(folder, last)):
            names = [last] + [name for name in names if name != last]
    return [os.path.join(folder, name) for name in names]


def is_complete(path: str) -> bool:
    """Whether a file has its end (cheap: weights are not read)."""
    with open(path, 'rb') as file:
        head = file.read(8)
        if path.endswith('.safetensors'):
            return _safetensors_size(head, file) == os.path.getsize(path)
    if head.startswith(b'PK'):  # the directory of a zip file is at its end
        return zipfile.is_zipfile(path)
    return len(head) == 8  # the format of torch < 1.6 has no mark


def _safetensors_size(head: bytes, file) -> int:
    length = int.from_bytes(head, 'little')
    try:
        header = json.loads(file.read(min(length, 100_000_000)))
        ends = [entry['data_offsets'][1] for name, entry in header.items()
                if name != '__metadata__']
    except (ValueError, KeyError, TypeError):
        return -1
    return 8 + length + max(ends, default=0)


def file_sha256(path: str) -> str:
    """SHA-256 of a file as a hex string."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
