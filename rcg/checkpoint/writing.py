"""Writing files so that they appear complete or not at all."""
import contextlib
import errno
import glob
import os
import socket
from collections.abc import Iterator

import psutil
import safetensors.torch
import torch

from .checksums import with_checksums


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
    start = os.path.join(folder, f'.{name}.{socket.gethostname()}-')
    _remove_stale_parts(start)
    part, writer = f'{start}{os.getpid()}.part', None
    try:
        with open(part, 'wb') as file:
            writer = _Writer(file)
            yield writer
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException as error:
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


def _remove_stale_parts(start: str) -> None:
    """Remove unfinished files of killed processes of this machine."""
    for part in glob.glob(glob.escape(start) + '*.part'):
        pid = part[len(start):-len('.part')]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            with contextlib.suppress(OSError):
                os.remove(part)


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
