"""Files that appear complete or not at all."""
import contextlib
import errno
import glob
import os
import socket
from collections.abc import Iterator

import safetensors.torch
import torch


class _Writer:
    """Remembers why a write failed: torch reports something else."""

    def __init__(self, file) -> None:
        self.file, self.error = file, None

    def write(self, data) -> int:
        try:
            return self.file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self.file.flush()


@contextlib.contextmanager
def open_atomically(path: str) -> Iterator:
    """A binary file that appears under ``path`` complete or not at all.

    Raises:
        OSError: Writing failed; a file that was at ``path`` is untouched.
    """
    folder, name = os.path.split(os.path.abspath(path))
    part = os.path.join(
        folder, f'.{name}.{socket.gethostname()}-{os.getpid()}.part')
    _remove_stale_parts(folder, name)
    writer = None
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
        cause = (writer and writer.error) or error
        if isinstance(cause, OSError):
            raise _explain(cause, path) from error
        raise


def _explain(error: OSError, path: str) -> OSError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    remedy = ('the disk (or your quota) is full: free some space, then go on '
              'with --resume' if full else
              'see that the folder exists and may be written to')
    return OSError(
        error.errno, f"'{path}' could not be written "
        f'({error.strerror or error}); {remedy}. Earlier checkpoints are '
        'untouched')


def _remove_stale_parts(folder: str, name: str) -> None:
    """Remove what a killed process of this machine left unfinished."""
    start = os.path.join(
        glob.escape(folder),
        glob.escape(f'.{name}.{socket.gethostname()}-'))
    for part in glob.glob(start + '*.part'):
        pid = part.rpartition('-')[2].removesuffix('.part')
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            with contextlib.suppress(OSError):
                os.remove(part)
        except (ValueError, PermissionError):
            continue


def save_atomically(obj, path: str,
                    metadata: dict[str, str] | None = None) -> None:
    """Write with ``torch.save`` (or safetensors, by the name), atomically.

    Args:
        obj: What to write; for safetensors, tensors by name.
        metadata: Of a safetensors file.

    Raises:
        OSError: The disk is full, or another failure; no part of the new
            file stays and a file that was at ``path`` is untouched.
    """
    with open_atomically(path) as file:
        if str(path).endswith('.safetensors'):
            file.write(safetensors.torch.save(_unshared(obj), metadata))
        else:
            torch.save(obj, file)


def _unshared(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Contiguous, no two in the same memory: safetensors refuses others."""
    unshared, places = {}, set()
    for name, value in tensors.items():
        value = value.contiguous()
        if value.data_ptr() in places:
            value = value.clone()
        places.add(value.data_ptr())
        unshared[name] = value
    return unshared
