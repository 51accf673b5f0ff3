"""A long run: does memory, or the number of open files, grow?"""
import os
import time
from pathlib import Path

import numpy as np

from .forked import Command


def soak(root: Path, steps: int) -> dict[str, float]:
    """Train and validate an RDM; watch the process.

    Args:
        root: Folder of the trained parts.
        steps: Training steps; there are up to 20 validations.

    Returns:
        ``mb_per_1000_steps``: Slope of anonymous memory after the first
        fifth of the run. ``descriptors``: Most open files of the last half
        minus those of the first.

    Raises:
        RuntimeError: The run failed, or was too short to be watched.
    """
    work_dir = root / 'soak'
    every = max(20, steps // 20)
    command = Command([
        'train.py', 'configs/digits/rdm.py', '--work-dir',
        str(work_dir), '--cfg-options', f'train_cfg.max_iters={steps}',
        f'train_cfg.val_interval={every}',
        f'default_hooks.checkpoint.interval={every // 5}',
        f'custom_hooks.1.cache_dir={work_dir}/cache'],
        root, root / 'soak.txt')
    pid = command.processes[0].pid
    times, memory, files = [], [], []
    while command.wait(.25) == [None]:
        try:
            anonymous = _anonymous_mb(pid)
            files.append(len(os.listdir(f'/proc/{pid}/fd')))
        except OSError:  # it has just ended
            break
        times.append(time.monotonic())
        memory.append(anonymous)
    status, = command.wait()
    if status or len(times) < 20:
        raise RuntimeError((root / 'soak.txt').read_text()[-3000:])
    late = len(times) // 5
    x = np.array(times[late:])
    # Steps take about equally long.
    done = (x - times[0]) / (times[-1] - times[0]) * steps / 1000
    half = len(files) // 2
    return dict(
        steps=steps, validations=steps // every,
        mb_per_1000_steps=float(np.polyfit(done, memory[late:], 1)[0]),
        descriptors=max(files[half:]) - max(files[:half]))


def _anonymous_mb(pid: int) -> float:
    for line in Path(f'/proc/{pid}/status').read_text().splitlines():
        if line.startswith('RssAnon'):
            return int(line.split()[1]) / 1024
    raise OSError('the process has ended')
