"""Data loaders that name the worker that was killed or that hangs."""
import atexit
import contextlib
import os
import re
import signal
import threading
import time
import weakref
from collections.abc import Iterator
from multiprocessing.process import BaseProcess

from torch._C import _remove_worker_pids
from torch.utils.data import DataLoader, Dataset

# Seconds that a batch may take.
TIMEOUT = 300.
# After so many times the timeout a batch is late, even if torch still waits.
LATE = 3
# Seconds that a worker whose connection broke has to end.
DYING = 10.
_STATES = {'T': 'stopped', 'D': 'waiting for a disk or the network',
           'R': 'running', 'S': 'sleeping', 'Z': 'dead'}
_CAUSES = {
    'SIGKILL': 'The usual cause is too little memory (see dmesg, or the '
               'memory limit of the job): lower num_workers or batch_size.',
    'SIGBUS': 'A file that was mapped into memory was truncated, or there is '
              'too little shared memory (df /dev/shm).',
}
# torch's iterators whose workers may be alive.
_ITERATORS = weakref.WeakSet()
# What torch says of workers that are gone.
_GONE = re.compile(r'DataLoader worker \(pid\(?s?\)?:? ([\d, ]+)\)')


class WatchedLoader(DataLoader):
    """torch's data loader; its errors say which worker failed, and why.

    Args:
        *args, num_workers, **options: Of torch's class. Where there are
            workers, ``timeout`` is by default ``TIMEOUT``.

    Raises:
        RuntimeError: While iterating: a worker was killed, or a batch took
            too long.
    """

    def __init__(self, *args, num_workers: int = 0, **options) -> None:
        super().__init__(*args, num_workers=num_workers, **options)
        self.set_default_timeout()

    def set_default_timeout(self) -> None:
        """Let workers have ``TIMEOUT`` seconds if they have no limit."""
        if self.num_workers and not self.timeout:
            self.timeout = TIMEOUT

    def __iter__(self) -> '_Batches':
        iterator = super().__iter__()
        batches = _Batches(iterator, self.timeout)
        if self.persistent_workers:
            batches.owner = self
        if self.num_workers and iterator not in _ITERATORS:
            _ITERATORS.add(iterator)
            _end_workers_with(batches.owner or batches, iterator)
        return batches


def watched(loader: DataLoader) -> DataLoader:
    """Make a data loader of torch's a :class:`WatchedLoader`, in place.

    MMEngine's Runner builds torch's class and no other.
    """
    if type(loader) is DataLoader:
        loader.__class__ = WatchedLoader
        loader.set_default_timeout()
    return loader


class _Batches:
    """The batches of torch's iterator, with errors that name workers."""

    def __init__(self, batches: Iterator, timeout: float) -> None:
        self.batches, self.timeout = batches, timeout
        # Whoever reads the batches needs the workers, which may be those of
        # a data loader that nobody else holds.
        self.owner: WatchedLoader | None = None
        self.awaited_since: float | None = None
        self.late: str | None = None
        if timeout and getattr(batches, '_workers', None):
            threading.Thread(target=_end_late, args=(weakref.ref(self), ),
                             daemon=True).start()

    def __iter__(self) -> '_Batches':
        return self

    def __len__(self) -> int:
        return len(self.batches)

    def __next__(self):
        self.awaited_since = time.monotonic()
        try:
            return next(self.batches)
        except (RuntimeError, OSError, EOFError) as error:
            if self.late is not None:
                raise RuntimeError(self.late) from error
            workers = getattr(self.batches, '_workers', [])
            if str(error).startswith('DataLoader timed out'):
                text = self._of_hanging(workers)
                self._end(workers)
                raise RuntimeError(text) from error
            gone = _exit_codes(workers, wait=_is_broken_connection(error))
            if gone:
                raise RuntimeError(_of_gone(gone)) from error
            raise
        finally:
            self.awaited_since = None

    def end_if_late(self) -> bool:
        """End the workers if a batch is awaited for ``LATE`` timeouts."""
        since = self.awaited_since
        if since is None or time.monotonic() - since < LATE * self.timeout:
            return False
        workers = self.batches._workers
        self.late = self._of_hanging(workers)
        self._end(workers)
        return True

    def _of_hanging(self, workers: list[BaseProcess]) -> str:
        """Say which worker owes the next batch."""
        iterator = self.batches
        number, *_ = iterator._task_info.get(iterator._rcvd_idx, (0, ))
        worker = workers[number]
        return (f'worker {number} of the data loader (process {worker.pid}, '
                f'{_state(worker.pid)}) gave no batch for {self.timeout:g} s. '
                'If it reads from a network disk, look at that; if batches '
                'take so long, raise timeout of the data loader in the '
                'config, or its num_workers. Then go on with --resume.')

    def _end(self, workers: list[BaseProcess]) -> None:
        """End the workers.

        Python waits for them when it exits, and a stopped process takes no
        other signal.
        """
        # Else torch would raise an error of its own for each of them.
        _forget(self.batches)
        for worker in workers:
            worker.kill()


def _end_late(batches: weakref.ref) -> None:
    """Watch for late batches, as long as somebody reads them.

    torch's timeout is that of its queue. A tensor itself is in a file, which
    its worker hands over after that; if the worker stops in between, the main
    process would wait for ever.
    """
    while (watched_ones := batches()) is not None:
        if watched_ones.end_if_late():
            return
        pause = watched_ones.timeout / 4
        del watched_ones
        time.sleep(pause)


def _forget(iterator: Iterator) -> None:
    """Keep torch from raising an error when workers of it end."""
    if iterator._worker_pids_set:
        _remove_worker_pids(id(iterator))
        iterator._worker_pids_set = False


def _end_workers_with(owner: object, iterator: Iterator) -> None:
    """End the workers of torch's iterator when its owner is gone.

    An error keeps the iterator in a reference cycle, and the garbage
    collector closes the queues in such a cycle first. Then the iterator can
    no longer ask its workers to end, and waits 5 s for each of them, twice.
    A finalizer of the owner holds the iterator, so that the collector cannot
    take it apart before.
    """
    finalizer = weakref.finalize(owner, _end_workers, iterator, os.getpid())
    finalizer.atexit = False  # see forget_workers()


def _end_workers(iterator: Iterator, pid: int) -> None:
    if os.getpid() != pid:  # a forked process: they are its parent's workers
        iterator._shutdown = True
    iterator._shutdown_workers()


@atexit.register
def forget_workers() -> None:
    """Let Python end all workers at its exit, without a traceback."""
    for iterator in _ITERATORS:
        _forget(iterator)


def check_files(dataset: Dataset) -> None:
    """Judge the files that a training has read, if the dataset can.

    It is asked by its ``check_files()``; so are datasets that it consists of.

    Raises:
        RuntimeError: Too many of them are bad.
    """
    for part in _parts(dataset):
        if hasattr(part, 'check_files'):
            part.check_files()


def keep_out(folder: str, dataset: Dataset) -> None:
    """Make a folder no part of a dataset, if the dataset can.

    It is told by its ``keep_out(folder)``; so are datasets that it consists
    of.
    """
    for part in _parts(dataset):
        if hasattr(part, 'keep_out'):
            part.keep_out(folder)


def _parts(dataset: Dataset) -> Iterator[Dataset]:
    """The datasets that a dataset consists of, and last itself."""
    for part in [getattr(dataset, 'dataset', None),
                 *getattr(dataset, 'datasets', ())]:
        if part is not None:
            yield from _parts(part)
    yield dataset


@contextlib.contextmanager
def named_workers() -> Iterator[None]:
    """Name a worker that is killed while no batch is waited for.

    torch raises its error wherever the program is.
    """
    try:
        yield
    except RuntimeError as error:
        found = _GONE.match(str(error))
        if not found:
            raise
        name = re.search(r'by signal: (.+?)\. ', str(error))
        number = next((one for one in signal.Signals if name and
                       signal.strsignal(one) == name[1]), None)
        gone = {int(pid): -number if number else None
                for pid in found[1].split(',')}
        raise RuntimeError(_of_gone(gone)) from error


def _is_broken_connection(error: Exception) -> bool:
    """Whether a worker stopped talking, and no dataset raised the error."""
    return (isinstance(error, (OSError, EOFError))
            and not str(error).startswith('Caught '))


def _exit_codes(workers: list[BaseProcess], wait: bool) -> dict[int, int]:
    """The exit codes, by process, of the workers that failed.

    Args:
        workers: Of torch's iterator.
        wait: Give them ``DYING`` seconds: the connection to a worker breaks
            some time before its process has ended.
    """
    deadline = time.monotonic() + DYING * wait
    while True:
        try:
            gone = {worker.pid: worker.exitcode for worker in workers
                    if worker.exitcode}
            if gone or time.monotonic() >= deadline:
                return gone
            time.sleep(0.01)
        except RuntimeError:  # torch's handler of SIGCHLD; now it has ended
            continue


def _of_gone(gone: dict[int, int | None]) -> str:
    """Say that workers are gone, by process and exit code."""
    texts = []
    for pid, code in gone.items():
        how, cause = f'ended with exit status {code}', ''
        if code is None:
            how = 'ended'
        elif code < 0:
            name = signal.Signals(-code).name
            how, cause = f'was killed by {name}', _CAUSES.get(name, '')
        texts.append(f'worker of the data loader (process {pid}) {how}. '
                     f'{cause}'.strip())
    return '; '.join(texts) + ' Then go on with --resume.'


def _state(pid: int) -> str:
    """What a process does, in a word."""
    try:
        with open(f'/proc/{pid}/stat', 'rb') as file:
            letter = file.read().rpartition(b')')[2].split()[0].decode()
    except OSError:
        return 'in an unknown state'
    return _STATES.get(letter, f'in state {letter}')
