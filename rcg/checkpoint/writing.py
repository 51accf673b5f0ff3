"""Writing files so that they appear complete or not at all."""
import contextlib
import errno
import fcntl
import functools
import glob
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator

import safetensors.torch
import torch

from .checksums import with_checksums

_DEAD_AFTER = 3600.  # seconds
_OF_A_RUN = (r'\.((iter|epoch)_\d+\.(pth|png)|best\.pth|last_checkpoint'
             r'|validations\.json)\..+\.part')


class _Writer:
    """Keeps the error of a failed write, which torch replaces by another."""

    def __init__(self, file) -> None:
        self.file, self.error, self.flush = file, None, file.flush

    def write(self, data) -> int:
        try:
            return self.file.write(data)
        except OSError as error:
            self.error = error
            raise


@contextlib.contextmanager
def open_atomically(path: str) -> Iterator:
    """Open a binary file that appears at ``path`` when it is complete.

    Raises:
        OSError: Writing failed, on a full disk for instance. Nothing of the
            new file is left, and an old one at ``path`` is untouched.
    """
    folder, name = os.path.split(os.path.abspath(path))
    part = writer = None
    try:
        _remove_stale_parts(folder, name)
        part, descriptor = _open_part(folder, name)
        with open(descriptor, 'wb') as file:
            writer = _Writer(file)
            yield writer
            file.flush()
            os.fsync(file.fileno())
            os.replace(part, path)
        _sync_folder(folder)
    except BaseException as error:
        if part is not None:
            with contextlib.suppress(OSError):
                os.remove(part)
        cause = error
        if writer is not None and writer.error is not None:
            cause = writer.error
        if not isinstance(cause, OSError):
            raise
        full = cause.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = ('free some space, then go on with --resume' if full else
                  'see that the folder exists and may be written to')
        raise OSError(
            cause.errno, f"'{path}' could not be written "
            f'({cause.strerror or cause}); {remedy}. Earlier checkpoints are '
            'untouched') from error


def _open_part(folder: str, name: str) -> tuple[str, int]:
    """Make an unfinished file with a new name, and lock it.

    Returns:
        Path and descriptor. The lock ends when the file is closed, or when
        the process ends.
    """
    while True:
        part = os.path.join(
            folder, f'.{name}.{boot_id()}-{secrets.token_hex(8)}.part')
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL,
                             0o666)
        # Between these two lines it looks like the file of a dead process.
        if lock_file(descriptor) is not False and os.path.exists(part):
            return part, descriptor
        os.close(descriptor)


def lock_file(descriptor: int) -> bool | None:
    """Lock an open file, until it is closed or the process ends.

    Returns:
        Whether nobody else holds it; None if the file system has no locks.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        return None
    return True


def _remove_stale_parts(folder: str, name: str) -> None:
    """Remove unfinished files of dead writers of a file.

    A writer on this machine, in a container too, holds a lock while it lives.
    One on another machine counts as dead when it has written nothing for an
    hour.
    """
    pattern = os.path.join(glob.escape(folder), f'.{glob.escape(name)}.*.part')
    for part in glob.glob(pattern):
        mark = os.path.basename(part)[len(name) + 2:-len('.part')]
        with contextlib.suppress(OSError), open(part, 'rb+') as file:
            locked = lock_file(file.fileno())
            is_ours = mark.startswith(f'{boot_id()}-')
            age = time.time() - os.fstat(file.fileno()).st_mtime
            if locked is not False and (
                    age > _DEAD_AFTER or locked and is_ours):
                os.remove(part)


def remove_unfinished(folder: str) -> None:
    """Remove what killed runs of a work folder have left half-written.

    Only who holds the folder's lock may call this: no other run writes
    checkpoints or pictures there.
    """
    for place in ('', '*/'):
        for part in glob.glob(f'{glob.escape(folder)}/{place}.*.part'):
            if re.fullmatch(_OF_A_RUN, os.path.basename(part)):
                with contextlib.suppress(OSError):
                    os.remove(part)


def _sync_folder(folder: str) -> None:
    """Make a new name last through a power failure."""
    with contextlib.suppress(OSError):  # some file systems refuse
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@functools.cache
def boot_id() -> str:
    """A name of this machine since its start, the same in its containers."""
    try:
        with open('/proc/sys/kernel/random/boot_id', encoding='ascii') as file:
            return file.read().strip().replace('-', '')
    except OSError:
        return socket.gethostname()


def save_atomically(obj, path: str,
                    metadata: dict[str, str] | None = None) -> None:
    """Write by :func:`open_atomically`, with ``torch.save`` or safetensors.

    Both kinds of files hold a checksum of every tensor, which
    :func:`~rcg.checkpoint.read_checkpoint` compares.

    Args:
        obj: What to write. If ``path`` ends in .safetensors, tensors by name.
        metadata: Of a safetensors file; ignored for others.
    """
    with open_atomically(path) as file:
        if str(path).endswith('.safetensors'):
            tensors = _unshared(obj)
            file.write(safetensors.torch.save(
                tensors, with_checksums(tensors, metadata)))
        else:
            torch.save(obj, file)


def _unshared(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Make tensors contiguous and give each its own memory.

    safetensors refuses others.
    """
    unshared, places = {}, set()
    for name, value in tensors.items():
        value = value.contiguous()
        place = value.data_ptr()
        unshared[name] = value.clone() if place in places else value
        places.add(place)
    return unshared
