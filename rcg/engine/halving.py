"""Batches that are halved where memory is too small for them."""
import gc
import logging
from collections.abc import Callable

import torch
from mmengine.logging import print_log
from torch import OutOfMemoryError, Tensor

# What a RuntimeError says that is no OutOfMemoryError.
_SIGNS = ("can't allocate memory", 'not enough memory', 'out of memory',
          'STATUS_ALLOC_FAILED')


class Halving:
    """Calls a function with halves of its batch where memory is too small.

    Rows of a batch must not depend on each other. In this package each has
    its own random stream, so the results are those of the whole batch, up to
    the rounding of kernels that depend on the size of a batch.

    The size that fits is kept for the next calls. A warning says it once.

    Args:
        what: What is done, for messages: 'sampling'.

    Attributes:
        limit: Largest number of rows for a call; None as long as all fit.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self.limit: int | None = None

    def __call__(self, function: Callable, batch):
        """Call ``function(batch)``, in parts if need be.

        Args:
            function: Takes a batch. Returns a tensor or a list of as many
                rows, or a dict or a tuple of them.
            batch: A tensor, a list, or a dict of them. Entries of another
                length than the first one go to each part whole.

        Returns:
            What the function returns for the whole batch.

        Raises:
            OutOfMemoryError: There is not enough memory for one row.
        """
        count = num_rows(batch)
        if count is None:
            return function(batch)
        parts, done = [], 0
        while done < count or not parts:
            size = min(self.limit or count, count - done)
            part = batch
            if size < count:
                part = take_rows(batch, slice(done, done + size), count)
            try:
                parts.append(function(part))
                done += size
                continue
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if size <= 1:
                    raise self._hopeless(error) from error
                failed = str(error)
            # Not in the handler: the traceback holds the tensors.
            self._halve(size, failed)
        return parts[0] if len(parts) == 1 else join_rows(parts)

    def _hopeless(self, error: BaseException) -> OutOfMemoryError:
        return OutOfMemoryError(
            f'{self.what} needs more memory for a single row than there is: '
            'end other programs on the device, or take a smaller model or '
            f'image. {error}'.strip())

    def _halve(self, size: int, error: str) -> None:
        if self.limit is None:
            print_log(f'{self.what}: not enough memory for {size} at a time. '
                      'The batch is halved until it fits; the results are '
                      'the same. A smaller batch_size avoids this. '
                      f'{error}'.strip(), 'current', logging.WARNING)
        self.limit = (size + 1) // 2
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory was too small, on any device."""
    return isinstance(error, (OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError)
        and any(sign in str(error) for sign in _SIGNS))


def num_rows(batch) -> int | None:
    """Number of rows: the length of the first tensor or list in a batch."""
    if isinstance(batch, dict):
        counts = map(num_rows, batch.values())
        return next((n for n in counts if n is not None), None)
    if isinstance(batch, Tensor):
        return len(batch) if batch.ndim else None
    return len(batch) if isinstance(batch, (list, tuple)) else None


def take_rows(batch, rows: slice, count: int):
    """Some rows of all entries of a batch that have ``count`` of them."""
    if isinstance(batch, dict):
        return {key: take_rows(value, rows, count)
                for key, value in batch.items()}
    return batch[rows] if num_rows(batch) == count else batch


def join_rows(parts: list):
    """Put the results for parts of a batch together.

    Raises:
        TypeError: They have no rows.
    """
    first = parts[0]
    if isinstance(first, dict):
        return {key: join_rows([part[key] for part in parts])
                for key in first}
    if isinstance(first, tuple):
        return tuple(map(join_rows, map(list, zip(*parts, strict=True))))
    if isinstance(first, Tensor) and first.ndim:
        return torch.cat(parts)
    if isinstance(first, list):
        return [row for part in parts for row in part]
    raise TypeError('a batch that is too large for the memory was halved, '
                    f'but its result is a {type(first).__name__} without '
                    'rows: lower batch_size.')
