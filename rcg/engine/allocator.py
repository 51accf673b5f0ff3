"""What happens to memory of the CPU that is freed."""
import ctypes
import os

import torch

# Parameters of glibc's mallopt(3).
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
TRIM = (1 << 31) - 1  # bytes; the largest int
# Bytes; the second is the most that glibc before 2.35 takes.
MMAP = 1 << 30, 1 << 25


def keep_freed_memory() -> bool:
    """Let glibc keep what this process frees, for its next allocation.

    By default, glibc gives large blocks back to the system. The next one of
    the same size costs a page fault for every 4 KiB. A training step
    allocates its gradients and activations anew, so it pays that each time:
    a quarter of a step of the RDM on stored representations. The peak memory
    stays the same; memory between two peaks is not given back.

    It holds for the whole process. Nothing changes if there is a GPU to
    compute on, if the environment configures the allocator (a variable
    ``MALLOC_...``, or ``glibc.malloc`` in ``GLIBC_TUNABLES``), or if the C
    library is not glibc.

    Returns:
        Whether freed memory is kept from now on.
    """
    if (torch.cuda.is_available()
            or any(name.startswith('MALLOC_') for name in os.environ)
            or 'glibc.malloc' in os.environ.get('GLIBC_TUNABLES', '')
            or not _is_glibc()):
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return (any(mallopt(M_MMAP_THRESHOLD, size) for size in MMAP)
            and bool(mallopt(M_TRIM_THRESHOLD, TRIM)))


def _is_glibc() -> bool:
    try:
        return os.confstr('CS_GNU_LIBC_VERSION') is not None
    except (AttributeError, ValueError):  # Windows, macOS, musl
        return False
