"""Files of a folder that cannot be read: passed over while they are few."""
import math
from collections.abc import Sequence

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from rcg.datasets.reading import why_unreadable

MAX_BAD_SHARE = .01
FEW = 2  # files that may be bad in a folder of any size
_GOOD, _BAD = 1, 2


def allowed_bad(count: int) -> int:
    """How many of the files of a folder may be bad."""
    return max(FEW, int(MAX_BAD_SHARE * count))


class BadFiles:
    """Which files were read so far, and which of them are bad.

    A process and its data workers share it.

    Args:
        root: Folder of the files.
        paths: The files, relative to it.
        allowed: How many may be bad; never all.
    """

    def __init__(self, root: str, paths: Sequence[str], allowed: int) -> None:
        self.root, self.paths = root, paths
        self.allowed = min(len(paths) - 1, allowed)
        self._states = torch.zeros(len(paths),
                                   dtype=torch.uint8).share_memory_()

    @property
    def _view(self) -> np.ndarray:
        # The same memory. Tensors take a hundred times as long for a number.
        return self._states.numpy()

    def mask(self) -> Tensor:
        """(N,): Which files are known to be bad."""
        return self._states == _BAD

    def names(self) -> list[str]:
        """Those that are known to be bad."""
        return [self.paths[i] for i in self.mask().nonzero()]

    def __contains__(self, index: int) -> bool:
        return self._view[index] == _BAD

    def add_good(self, index: int) -> None:
        """Remember that a file was read."""
        self._view[index] = _GOOD

    def add(self, index: int, error: Exception) -> None:
        """Remember that a file is bad; name it in a warning.

        Args:
            index: Of the file.
            error: Why it is bad.

        Raises:
            RuntimeError: More files are bad than may be.
        """
        self._states[index] = _BAD
        count, why = int(self.mask().sum()), why_unreadable(error)
        print_log(
            f"Skipped '{self.root}/{self.paths[index]}', which cannot be read "
            f'({why}). Bad files so far: {count} of {len(self.paths)}.',
            logger='current', level=30)
        if count > self.allowed:
            raise RuntimeError(self._complaint()) from error

    def check(self) -> None:
        """Judge the files of a run that read some at random, at its end.

        Workers read ahead: no step waited for what they met last. And a run
        shorter than an epoch meets a part of the bad files only. It may meet
        some more than their share by chance: the limit is three standard
        deviations above it.

        Raises:
            RuntimeError: More files are bad than may be.
        """
        share = (self._states > 0).sum().item() / len(self.paths)
        expected = self.allowed * share
        limit = min(self.allowed, expected + 3 * math.sqrt(expected) + FEW)
        if self.mask().sum() > limit:
            raise RuntimeError(self._complaint())

    def _complaint(self) -> str:
        names, tried = self.names(), int((self._states > 0).sum())
        listed = ', '.join(map(repr, names[:10]))
        if len(names) > 10:
            listed += ', ...'
        return (
            f"{len(names)} of the {len(self.paths)} images in '{self.root}' "
            f'cannot be read ({tried} were tried); {self.allowed} may be bad: '
            f'{listed}. Repair or remove them; tools/check_dataset.py lists '
            'all.')
