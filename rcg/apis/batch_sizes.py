"""How many images to draw at a time."""
import contextlib
from collections.abc import Iterator

import psutil
import torch
from torch import Tensor

from rcg.apis.timing import peak_memory

FIRST = 4  # images of the first batch, if the size is to be found
MOST = dict(cpu=64, cuda=256)  # larger ones draw few more images a second
SHARE = .8  # of the free memory that a batch may take


class BatchSizes:
    """Sizes of successive batches: all the same, or growing with 'auto'.

    Nothing is drawn for trial: a batch after which there is memory for two of
    them is followed by one of twice its size. A GPU counts what PyTorch has; a
    CPU, how large this process ever was.

    Args:
        wanted: A number, or 'auto'.
        device: Where images are drawn.

    Raises:
        ValueError: ``wanted`` is neither.
    """

    def __init__(self, wanted: int | str, device: torch.device) -> None:
        is_number = isinstance(wanted, int) and wanted > 0
        if not (is_number or wanted == 'auto'):
            raise ValueError("batch_size must be at least 1, or 'auto', got "
                             f'{wanted!r}.')
        self.device, self.grows = device, wanted == 'auto'
        self.size = FIRST if self.grows else wanted
        self.most = MOST.get(device.type, MOST['cpu'])

    @contextlib.contextmanager
    def watching(self) -> Iterator[int]:
        """The size of the batch that is drawn inside."""
        if not self.grows:
            yield self.size
            return
        free, used = free_memory(self.device), used_memory(self.device)
        if self.device.type == 'cuda':
            torch.cuda.reset_peak_memory_stats(self.device)
        yield self.size
        taken = most_memory(self.device) - used
        if self.size == self.most or 2 * taken > SHARE * free:
            self.grows = False
        else:
            self.size = min(2 * self.size, self.most)


def growing(count: int, wanted: int | str, device: torch.device
            ) -> Iterator[Tensor]:
    """Numbers of the images of successive batches, if memory suffices.

    Args:
        count: Number of images; the last one fills up the last batch.
        wanted, device: See :class:`BatchSizes`.

    Raises:
        ValueError: ``count`` or ``wanted`` is not positive.
    """
    sizes = BatchSizes(wanted, device)
    if count < 1:
        raise ValueError('the number of images must be at least 1, got '
                         f'{count}.')
    begun = 0
    while begun < count:
        numbers = torch.arange(begun, begun + sizes.size)
        yield numbers.clamp_(max=count - 1)
        begun += sizes.size
        if sizes.grows:
            sizes.size = min(2 * sizes.size, sizes.most)


def free_memory(device: torch.device) -> int:
    """Bytes that this process can still have."""
    if device.type != 'cuda':
        return psutil.virtual_memory().available
    return (torch.cuda.mem_get_info(device)[0]
            + torch.cuda.memory_reserved(device)
            - torch.cuda.memory_allocated(device))


def used_memory(device: torch.device) -> int:
    """Bytes that this process has now."""
    if device.type != 'cuda':
        return psutil.Process().memory_info().rss
    return torch.cuda.memory_allocated(device)


def most_memory(device: torch.device) -> int:
    """The most bytes since the peak was reset; on a CPU, ever."""
    if device.type != 'cuda':
        return max(peak_memory(), used_memory(device))
    return torch.cuda.max_memory_allocated(device)
