"""Precision of float32 arithmetic on GPUs; on CPUs it is always exact."""
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.backends import cudnn


def set_float32(precision: str) -> None:
    """Set the precision of matrix products and convolutions on GPUs.

    Args:
        precision: 'highest' is exact; 'high' rounds factors to TF32 (11
            bits). It holds for the whole process.
    """
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision(precision)
        cudnn.allow_tf32 = precision != 'highest'


@contextmanager
def exact_float32(device: torch.device) -> Iterator[None]:
    """A context without autocast and TF32."""
    before = torch.get_float32_matmul_precision()
    set_float32('highest')
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        set_float32(before)
