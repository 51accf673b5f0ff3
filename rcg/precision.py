"""Precision of float32 arithmetic on GPUs, and types that a CPU emulates.

On CPUs float32 is always exact.
"""
import functools
import timeit
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.logging import print_log
from torch import backends
from torch.backends import cudnn

# A CPU with instructions for bfloat16 takes at most about as long as in
# float32, one without them 20 times as long and more.
_EMULATED = 4.


def set_float32(precision: str) -> None:
    """Set the precision of matrix products and convolutions on GPUs.

    It holds for the whole process. Without a GPU, nothing changes.

    Args:
        precision: 'highest' is exact; 'high' rounds factors to TF32 (11
            bits).
    """
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision(precision)
        cudnn.allow_tf32 = precision != 'highest'


def float32_precision() -> str:
    """What :func:`set_float32` has set; 'highest' without a GPU.

    It belongs to the name of whatever is kept between runs.
    """
    if not torch.cuda.is_available():
        return 'highest'
    return torch.get_float32_matmul_precision()


@functools.cache  # warns once a process
def warn_if_emulated(dtype: torch.dtype, device_type: str, setting: str
                     ) -> None:
    """Warn that this CPU is far slower in a type than in float32.

    Args:
        dtype: Of autocast.
        device_type: Nothing happens unless it is 'cpu'.
        setting: Name of the config's setting that should be 'float32'.
    """
    if (device_type == 'cpu' and dtype != torch.float32
            and is_emulated(dtype)):
        print_log(
            f'A matrix product in {str(dtype).removeprefix("torch.")} takes '
            f'{slowdown(dtype):.0f} times as long as in float32, because this '
            f'CPU has no instructions for it: set {setting}=float32 '
            '(--cfg-options) or use a GPU.', logger='current', level=30)


def is_emulated(dtype: torch.dtype) -> bool:
    """Whether this CPU has no instructions for a type, so it is slow."""
    return slowdown(dtype) > _EMULATED


@functools.cache
def slowdown(dtype: torch.dtype) -> float:
    """Time of a product of two matrices on this CPU over that in float32.

    They are 256 x 256. Without instructions for the type it takes 0.1 s.
    """
    def least(kind: torch.dtype) -> float:
        matrix = torch.ones(256, 256, dtype=kind)
        return min(timeit.repeat(lambda: matrix @ matrix, number=1, repeat=3))

    return least(dtype) / least(torch.float32)


@contextmanager
def no_autocast(device: torch.device) -> Iterator[None]:
    """A context in which operations on ``device`` keep their float32."""
    with torch.autocast(device.type, enabled=False):
        yield


@contextmanager
def exact_float32(device: torch.device) -> Iterator[None]:
    """A context without autocast and TF32.

    Afterwards all settings of the process are as before, however they were
    made.
    """
    if not torch.cuda.is_available():
        with no_autocast(device):
            yield
        return
    before = _settings()
    try:
        set_float32('highest')
        for operation in _operations():
            operation.fp32_precision = 'ieee'
        with no_autocast(device):
            yield
    finally:
        _restore(before)


# PyTorch has two interfaces to the same settings: for the whole process
# get_float32_matmul_precision() and allow_tf32; since 2.9, fp32_precision for
# each operation. A getter of the old interface raises if the new interface
# has set another value since.
def _operations() -> list:
    """What has an ``fp32_precision`` that :func:`set_float32` changes."""
    operations = (backends.cuda.matmul, getattr(cudnn, 'conv', None),
                  getattr(cudnn, 'rnn', None),
                  getattr(backends.mkldnn, 'matmul', None))
    return [op for op in operations if hasattr(op, 'fp32_precision')]


def _settings() -> dict:
    """The settings of both interfaces, except those that raise."""
    found = dict(operations=[op.fp32_precision for op in _operations()])
    getters = dict(products=torch.get_float32_matmul_precision,
                   convolutions=lambda: cudnn.allow_tf32)
    for name, getter in getters.items():
        try:
            found[name] = getter()
        except RuntimeError:  # set by the new interface alone
            continue
    return found


def _restore(settings: dict) -> None:
    if 'products' in settings:
        torch.set_float32_matmul_precision(settings['products'])
    if 'convolutions' in settings:
        cudnn.allow_tf32 = settings['convolutions']
    # Last, because the old interface changes these too.
    for operation, value in zip(_operations(), settings['operations'],
                                strict=True):
        operation.fp32_precision = value
