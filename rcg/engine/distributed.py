"""Starting several processes, with and without GPUs."""
import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from mmengine.dist import broadcast_object_list, is_main_process
from torch import distributed

from rcg.engine.processes import watch
from rcg.engine.processes.meeting import join
from rcg.engine.processes.parent import end_with_parent

T = TypeVar('T')

_TORCHRUN = 'RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'


def start_processes(launcher: str, backend: str | None = None,
                    timeout: float = watch.TIMEOUT, **kwargs) -> None:
    """Join the process group; nothing happens if it exists.

    The processes watch over each other; see
    :mod:`rcg.engine.processes.watch`. This one ends with its launcher.

    Args:
        launcher: 'pytorch' (torchrun sets the variables) or 'slurm'.
        backend: Of torch.distributed; None is NCCL. With more processes than
            GPUs on a machine it is always gloo.
        timeout: Seconds that the others wait for a process which does not
            get on. For all processes to meet they wait 300 at most.
        **kwargs: Of ``torch.distributed.init_process_group``.

    Raises:
        ValueError: The launcher is unknown or did not set its variables.
        LostProcessError: The processes did not meet.
    """
    if distributed.is_initialized():
        return
    if launcher == 'slurm':
        _read_slurm()
    elif launcher != 'pytorch':
        raise ValueError("launcher must be 'none', 'pytorch' or 'slurm', got "
                         f'{launcher!r}.')
    absent = [name for name in _TORCHRUN if name not in os.environ]
    if absent:
        raise ValueError(
            f"--launcher {launcher}: the environment lacks "
            f"{', '.join(absent)}. Start with tools/dist_train.sh (or "
            'torchrun), or use --launcher none.')
    end_with_parent()
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count:
        torch.cuda.set_device(int(os.environ['LOCAL_RANK']) % count)
    if int(os.environ.get('LOCAL_WORLD_SIZE', 1)) > count:
        backend = 'gloo'  # NCCL needs a GPU for each process
    join(backend or 'nccl', timeout, **kwargs)


def on_first_process(work: Callable[[], T]) -> T:
    """Call a function on the first process; all get its result.

    Args:
        work: Its result must be picklable.

    Raises:
        RuntimeError: On the other processes, if the function failed on the
            first one, which raises the error itself. They would wait for it
            until the timeout.
    """
    found, error = [None, None], None
    if is_main_process():
        try:
            found[0] = work()
        except Exception as failure:
            error = failure
            found[1] = f'{type(error).__name__}: {error}'
    broadcast_object_list(found)
    if error is not None:
        raise error
    if found[1] is not None:
        raise RuntimeError(f'the first process failed: {found[1]}')
    return found[0]


def _read_slurm() -> None:
    """Set torchrun's environment variables from Slurm's."""
    if 'SLURM_PROCID' not in os.environ:
        raise ValueError('--launcher slurm needs srun; start with '
                         'tools/slurm_train.sh.')
    os.environ['RANK'] = os.environ['SLURM_PROCID']
    os.environ['LOCAL_RANK'] = os.environ['SLURM_LOCALID']
    os.environ['WORLD_SIZE'] = os.environ['SLURM_NTASKS']
    os.environ.setdefault('MASTER_PORT', '29500')
    if 'MASTER_ADDR' not in os.environ:
        hosts = subprocess.run(
            ['scontrol', 'show', 'hostname', os.environ['SLURM_NODELIST']],
            check=True, capture_output=True, text=True).stdout
        os.environ['MASTER_ADDR'] = hosts.splitlines()[0]


@contextlib.contextmanager
def local_rank_of_shown_gpu() -> Iterator[None]:
    """Let LOCAL_RANK number this process's GPU among those it is shown.

    MMEngine's logger looks for the LOCAL_RANK-th of CUDA_VISIBLE_DEVICES.
    Slurm may show each task only one. This context is for the construction
    of a logger; the variable is restored.
    """
    rank = os.environ.get('LOCAL_RANK')
    if rank is None:
        yield
        return
    os.environ['LOCAL_RANK'] = str(
        int(rank) % max(torch.cuda.device_count(), 1))
    try:
        yield
    finally:
        os.environ['LOCAL_RANK'] = rank


def usable_cores() -> int:
    """Processor cores that this process may run on."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
