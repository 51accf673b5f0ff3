"""Seconds, memory and waits of the stages of a run, on a CPU or a GPU."""
import resource
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch


def peak_memory(who: int = resource.RUSAGE_SELF) -> int:
    """Peak memory of this process, or of its largest child, in bytes."""
    unit = 1 if sys.platform == 'darwin' else 1024
    return resource.getrusage(who).ru_maxrss * unit


class Timing:
    """Measures stages; prints and keeps the results.

    Args:
        device: Where they run. The clock is read when it has finished.

    Attributes:
        found: By stage: ``seconds``, ``peak_gigabytes`` so far and, if it
            handled images, ``images_per_second``.
    """

    def __init__(self, device: str | torch.device) -> None:
        self.device, self.found = torch.device(device), {}

    @property
    def on_gpu(self) -> bool:
        return self.device.type == 'cuda'

    def now(self) -> float:
        if self.on_gpu:
            torch.cuda.synchronize(self.device)
        return time.monotonic()

    def peak_gigabytes(self) -> float:
        """Peak memory so far: of the GPU, or of this process."""
        if self.on_gpu:
            return torch.cuda.max_memory_allocated(self.device) / 1e9
        return peak_memory() / 1e9

    @contextmanager
    def stage(self, name: str, items: int = 0) -> Iterator[None]:
        """Time what happens inside, and how many items a second it did."""
        begun = self.now()
        yield
        seconds, memory = self.now() - begun, self.peak_gigabytes()
        self.found[name] = dict(seconds=round(seconds, 3),
                                peak_gigabytes=round(memory, 2))
        rate = ''
        if items:
            self.found[name]['images_per_second'] = round(items / seconds, 3)
            rate = f'   {items / seconds:8.2f} images/s'
        print(f'{name:6} {seconds:8.1f} s   peak {memory:6.2f} GB{rate}',
              flush=True)

    @contextmanager
    def waits(self, name: str) -> Iterator[None]:
        """Count how often the host waits for the GPU inside, and where.

        On a CPU nothing is counted.
        """
        if not self.on_gpu:
            yield
            return
        torch.cuda.set_sync_debug_mode('warn')
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter('always')
                yield
        finally:
            torch.cuda.set_sync_debug_mode('default')
        places = [f'{Path(w.filename).name}:{w.lineno}' for w in caught
                  if 'synchronizing' in str(w.message)]
        self.found[f'waits of {name}'] = places
        print(f'{name:6} the host waited {len(places)} times for the GPU '
              + ' '.join(sorted(set(places))), flush=True)
