"""A switch from our layers' ways on a CPU back to PyTorch's."""
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

_PLAIN = ContextVar('plain_layers', default=False)


@contextmanager
def plain_layers() -> Iterator[None]:
    """A context in which layers compute with PyTorch's operations alone."""
    token = _PLAIN.set(True)
    try:
        yield
    finally:
        _PLAIN.reset(token)


def has_own_ways(device: torch.device) -> bool:
    """Whether layers may use what is faster than PyTorch on ``device``.

    That is the case on a CPU, outside :func:`plain_layers` and outside of what
    ``torch.compile`` traces.
    """
    return (device.type == 'cpu' and not _PLAIN.get()
            and not torch.compiler.is_compiling())
