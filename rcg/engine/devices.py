"""Where to compute."""
import os

import torch

from rcg.engine.allocator import keep_freed_memory
from rcg.precision import set_float32


def usable_device(device: str | torch.device | None = None) -> torch.device:
    """The given device, if it works; None: a GPU if there is one.

    Raises:
        ValueError: There is no such device, or it does not work. The message
            names those that there are.
    """
    device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        found = torch.device(device)
        torch.zeros(1, device=found).cpu()
    except (RuntimeError, AssertionError, TypeError, ImportError) as error:
        raise ValueError(
            f"device '{device}' cannot be used: "
            f'{_reason(str(device)) or _first_sentence(error)}. There is '
            f'{_known()}. Give one of these, or none for the best.'
        ) from error
    return found


def compute_as_a_run(float32: str) -> None:
    """Set what a run sets for its process, where there is no Runner.

    Args:
        float32: See :func:`~rcg.precision.set_float32`.
    """
    set_float32(float32)
    keep_freed_memory()


def shown_gpus_without_use() -> str | None:
    """A warning if CUDA_VISIBLE_DEVICES names GPUs, but none can be used.

    MMEngine then computes on the CPU, without a word.
    """
    wanted = os.environ.get('CUDA_VISIBLE_DEVICES', '').strip()
    if wanted in ('', '-1', 'NoDevFiles') or torch.cuda.is_available():
        return None
    return (f'CUDA_VISIBLE_DEVICES={wanted} asks for a GPU, but '
            f'{_reason("cuda")}: this run uses the CPU.')


def _reason(device: str) -> str:
    """Why a GPU cannot be used; empty if PyTorch must say why."""
    kind, _, index = device.partition(':')
    if kind != 'cuda':
        return ''
    if not torch.backends.cuda.is_built():
        return 'this PyTorch is built without CUDA'
    if not torch.cuda.is_available():
        return ('PyTorch finds no NVIDIA GPU or driver that answers '
                '(nvidia-smi shows them)')
    count = torch.cuda.device_count()
    if index.isdecimal() and int(index) >= count:
        return f'GPUs are counted from 0, and there are {count} of them'
    return ''


def _known() -> str:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return ', '.join(['cpu', *(f'cuda:{i}' for i in range(count))])


def _first_sentence(error: Exception) -> str:
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line.split('. ')[0].rstrip('.!:')
