"""The same work on very many files, on several processes."""
import datetime
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar('T')


def map_files(work: Callable[[str], T], files: Sequence[str],
              num_workers: int, interval: float = 5.
              ) -> Iterator[tuple[str, T]]:
    """Do something with each of many files; say how long it will take.

    Args:
        work: Takes a path; at the top level of a module if there are
            workers.
        files: Paths.
        num_workers: Processes; 0 or 1 works in this one.
        interval: Seconds between lines of progress; the last file has one.

    Yields:
        Path and result, in the order of the files.
    """
    if num_workers < 0:
        raise ValueError(f'workers cannot be negative, got {num_workers}.')
    if num_workers < 2 or len(files) < 2:
        yield from _with_progress(files, map(work, files), interval)
        return
    # A worker that waits for its next file is idle: give some at a time.
    chunk = max(1, min(32, len(files) // (4 * num_workers)))
    with multiprocessing.Pool(num_workers) as pool:
        results = pool.imap(work, files, chunk)
        yield from _with_progress(files, results, interval)


def _with_progress(files: Sequence[str], results: Iterator[T],
                   interval: float) -> Iterator[tuple[str, T]]:
    started = said = time.monotonic()
    for done, (file, result) in enumerate(
            zip(files, results, strict=True), 1):
        yield file, result
        now = time.monotonic()
        if now - said >= interval or done == len(files):
            said = now
            left = (now - started) / done * (len(files) - done)
            print(f'{done}/{len(files)} files  {done / (now - started):.3g} '
                  f'a second  left {datetime.timedelta(seconds=round(left))}',
                  flush=True)
