"""Millions of names in a few bytes each."""
import os
from collections.abc import Iterable, Sequence

import numpy as np


class PackedPaths(Sequence):
    """Paths in one array of bytes, as MMEngine's BaseDataset keeps its items.

    Python counts the users of each string in the string. A worker process
    that only reads a list of them thus writes to all its memory, and gets a
    copy of its own. Here a million paths of ImageNet are three objects.

    Args:
        paths: Of any bytes, see ``os.fsencode``.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        encoded = [os.fsencode(path) for path in paths]
        self._bytes = np.frombuffer(b''.join(encoded), np.uint8)
        self._ends = np.cumsum([0, *map(len, encoded)])

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index):
        """A path; for a slice, a list of them."""
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        number = range(len(self))[index]  # also negative; an IndexError
        start, end = self._ends[number:number + 2]
        return os.fsdecode(self._bytes[start:end].tobytes())
