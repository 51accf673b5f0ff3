"""The same work for very many files, in several processes."""
import datetime
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

T = TypeVar('T')


def map_files(work: Callable[[str], T], files: Sequence[str],
              num_workers: int, interval: float = 5.
              ) -> Iterator[tuple[str, T]]:
    """Call a function with each of many files, and print the progress.

    Args:
        work: Takes a path. If there are workers, it must be picklable.
        files: Paths.
        num_workers: Number of processes; with 0 or 1, no other is started.
        interval: Seconds between lines of progress; the last file has one.

    Yields:
        Path and result, in the order of the files.

    Raises:
        RuntimeError: A worker was killed.
        ValueError: num_workers is negative.
    """
    if num_workers < 0:
        raise ValueError(f'workers cannot be negative, got {num_workers}.')
    if num_workers < 2 or len(files) < 2:
        yield from _with_progress(files, map(work, files), interval)
        return
    # Chunks keep workers from waiting for each next file.
    chunk = max(1, min(32, len(files) // (4 * num_workers)))
    # Not a multiprocessing.Pool: it waits for ever for what a killed worker
    # owes, and may do so after it has killed its workers itself.
    pool = ProcessPoolExecutor(num_workers)
    try:
        results = pool.map(work, files, chunksize=chunk)
        yield from _with_progress(files, results, interval)
    except BrokenProcessPool as error:
        raise RuntimeError(
            'a process that reads files was killed; the usual cause is too '
            'little memory (see dmesg, or the memory limit of the job). Give '
            f'the same command again with fewer workers than {num_workers}.'
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _with_progress(files: Sequence[str], results: Iterator[T],
                   interval: float) -> Iterator[tuple[str, T]]:
    started = printed = time.monotonic()
    for done, (file, result) in enumerate(
            zip(files, results, strict=True), 1):
        yield file, result
        now = time.monotonic()
        if now - printed >= interval or done == len(files):
            printed = now
            left = (now - started) / done * (len(files) - done)
            print(f'{done}/{len(files)} files  {done / (now - started):.3g} '
                  f'a second  left {datetime.timedelta(seconds=round(left))}',
                  flush=True)
