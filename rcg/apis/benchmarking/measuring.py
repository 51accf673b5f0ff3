"""Times and memory of ways to do the same work, taken in turns."""
import contextlib
import dataclasses
import math
import statistics
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import torch
from torch.utils.flop_counter import FlopCounterMode

MATRIX = 2048  # side of the matrices whose product is the limit
# A first product, and the share of float32's rate that is slow.
TRIAL, SLOW = 256, .2
INTERVAL = .005  # seconds between two looks at the memory of this process


@dataclasses.dataclass
class Variant:
    """One way to do a piece of work.

    Attributes:
        name: In words. The first of a work is the plain way.
        act: Does the work once.
        items: Images, or representations, of one call.
        dtype: Type of most of its products, of which the limit is known.
    """
    name: str
    act: Callable[[], object]
    items: int
    dtype: torch.dtype = torch.float32


def matrix_rates(device: torch.device) -> dict[torch.dtype, float]:
    """FLOP/s of a product of two matrices: what nothing here can exceed.

    A processor without bfloat16 emulates it, a hundred times slower: then a
    small product tells the rate.
    """
    rates = {torch.float32: _rate(device, torch.float32, MATRIX)}
    trial = _rate(device, torch.bfloat16, TRIAL)
    fast = trial > SLOW * _rate(device, torch.float32, TRIAL)
    rates[torch.bfloat16] = (
        _rate(device, torch.bfloat16, MATRIX) if fast else trial)
    return rates


def _rate(device: torch.device, dtype: torch.dtype, size: int) -> float:
    """FLOP/s of a product of two matrices of ``size`` x ``size``."""
    a, b = torch.randn(2, size, size, device=device).to(dtype)
    torch.mm(a, b)  # the first one is slow
    times = [_seconds(lambda: torch.mm(a, b), device) for _ in range(5)]
    return 2 * size**3 / statistics.median(times)


def measure(variants: list[Variant], rounds: int, device: torch.device,
            rates: dict[torch.dtype, float]) -> list[dict]:
    """Measure all variants in turns, so that a busy machine slows all alike.

    Args:
        variants: The first is the plain way.
        rounds: Turns of each, after one that is not counted.
        device: Where they run.
        rates: See :func:`matrix_rates`.

    Returns:
        For each: ``variant``, ``per_second`` (median), ``ratio`` to the
        first, ``share_of_limit`` and ``peak_memory_mb`` (of the GPU, or of
        this process).
    """
    flops, times, peaks = [], [[] for _ in variants], [0] * len(variants)
    for variant in variants:
        with FlopCounterMode(display=False,
                             custom_mapping=_counts()) as counter:
            variant.act()
        flops.append(counter.get_total_flops())
    for _ in range(rounds):
        for i, variant in enumerate(variants):
            with _peak(device) as found:
                times[i].append(_seconds(variant.act, device))
            peaks[i] = max(peaks[i], found[0])
    rows = []
    for i, variant in enumerate(variants):
        seconds = statistics.median(times[i])
        rows.append(dict(
            variant=variant.name, per_second=variant.items / seconds,
            share_of_limit=flops[i] / seconds / rates[variant.dtype],
            peak_memory_mb=peaks[i] >> 20))
    for row in rows:
        row['ratio'] = row['per_second'] / rows[0]['per_second']
    return rows


def _counts() -> dict:
    """Counts of operations that PyTorch does not know: packed products."""
    packed = getattr(torch.ops.mkldnn, '_linear_pointwise', None)
    return {} if packed is None else {
        packed: lambda x, weight, *_, **__: 2 * math.prod(x) * weight[0]}


def _seconds(act: Callable[[], object], device: torch.device) -> float:
    _wait(device)
    begun = time.perf_counter()
    act()
    _wait(device)
    return time.perf_counter() - begun


def _wait(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


@contextlib.contextmanager
def _peak(device: torch.device) -> Iterator[list[int]]:
    """The peak memory inside, in bytes, in a list."""
    found = [0]
    if device.type == 'cuda':
        torch.cuda.reset_peak_memory_stats(device)
        yield found
        found[0] = torch.cuda.max_memory_allocated(device)
        return
    process, done = psutil.Process(), threading.Event()

    def watch() -> None:
        while True:
            found[0] = max(found[0], process.memory_info().rss)
            if done.wait(INTERVAL):
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        done.set()
        watcher.join()
