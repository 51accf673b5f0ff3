"""Precision of float32 on a GPU; a CPU is exact."""
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.backends import cudnn


def set_float32(precision: str) -> None:
    """For matrix products and convolutions, of the whole process: 'highest'
    is exact, 'high' rounds what is multiplied to TF32 (11 bits)."""
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision(precision)
        cudnn.allow_tf32 = precision != 'highest'


@contextmanager
def exact_float32(device: torch.device) -> Iterator[None]:
    """Neither autocast nor TF32 inside."""
    before = torch.get_float32_matmul_precision()
    set_float32('highest')
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        set_float32(before)
