"""Hashes of files, each computed once."""
import hashlib
import os
import time

from .finding import CheckpointError

# Hashes that this process has computed.
_KNOWN: dict[tuple, str] = {}
# Seconds. The clock of a file system may stand still for some milliseconds,
# in which a file could change unseen.
_SETTLED = 2.


def _identity(path: str) -> tuple:
    """What changes if a file does."""
    about = os.stat(path)
    return (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns,
            about.st_ctime_ns)


def file_sha256(path: str) -> str:
    """SHA-256 of a file as a hex string; read once while it is the same."""
    before = _identity(path)
    if before in _KNOWN:
        return _KNOWN[before]
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    if (_identity(path) == before
            and time.time() - max(before[-2:]) / 1e9 > _SETTLED):
        _KNOWN[before] = digest.hexdigest()
    return digest.hexdigest()


class LoadedWeights:
    """Where the weights of a module came from.

    Make it before the file is read.

    Args:
        path: Of the file.

    Attributes:
        run: What a training checkpoint keeps of its run: its config, its
            frozen parts and their hashes. Empty for plain weights.
    """

    def __init__(self, path: str) -> None:
        self.path, self.run = path, {}
        self._identity, self._sha256 = _identity(path), None

    @property
    def sha256(self) -> str:
        """Hash of the file, hexadecimal; computed at first use.

        Raises:
            CheckpointError: The file has changed since it was read.
        """
        if self._sha256 is None:
            if (not os.path.exists(self.path)
                    or _identity(self.path) != self._identity):
                raise CheckpointError(
                    f"'{self.path}' has changed since its weights were read: "
                    'start again.')
            self._sha256 = file_sha256(self.path)
        return self._sha256
