"""Processes of one run that stop together.

A thread of each process writes a :class:`~rcg.engine.beats.Beat` to the
store of torch.distributed and reads those of the others. It costs a training
step nothing: no collective operation, and no wait for a device.

To stop after the same step, all processes first begin no further one, and
tell which they have begun last. The greatest of these numbers is the last
step of all.
"""
import contextlib
import datetime
import os
import socket
import sys
import threading
import time

from torch import distributed
from torch.distributed import distributed_c10d

from rcg.engine import signals
from rcg.engine.beats import Beat, all_ready, last_step, signal_of

PERIOD = 1.  # seconds between two beats of up to 64 processes
# Seconds without a beat after which a process does not count when the others
# stop; and for which those stay that wait for one that has left.
_LOST = 10.
_current: 'Watch | None' = None


def current() -> 'Watch | None':
    """The watch of this process; None if it is the only one."""
    return _current


def start(store: distributed.Store, rank: int, world: int) -> 'Watch':
    """Watch over the processes that share a store. All must call it."""
    global _current
    if _current is None:
        _current = Watch(store, rank, world)
    return _current


def start_in_group() -> 'Watch':
    """Watch over the processes of torch's group. All must call it."""
    return start(distributed_c10d._get_default_store(),
                 distributed.get_rank(), distributed.get_world_size())


class Watch:
    """Beats of all processes; see the module.

    Args:
        store: Shared by all of them.
        rank: Number of this process.
        world: Number of processes.
    """

    def __init__(self, store: distributed.Store, rank: int,
                 world: int) -> None:
        # Another connection: the main thread may wait on the first one.
        store = store.clone() if hasattr(store, 'clone') else store
        self.store = distributed.PrefixStore('rcg', store)
        self.store.set_timeout(datetime.timedelta(seconds=60))
        self.keys = [str(i) for i in range(world)]
        self.own = Beat(rank, socket.gethostname())
        self.period = PERIOD * max(1., world / 64)
        self.beats = [Beat(i) for i in range(world)]
        # When the count of each last changed.
        self.heard = [time.monotonic()] * world
        self.last_step: int | None = None
        self._lock = threading.Lock()
        self._agreed, self._all_ready = threading.Event(), threading.Event()
        self._wake, self._end = threading.Event(), threading.Event()
        # Whether the main thread will come to its next step or is saving.
        self.is_stepping = False
        self._left_at: float | None = None
        self.process = os.getpid()
        signals.on_request(self._wake.set)
        self._write()
        self._thread = threading.Thread(target=self._run, daemon=True,
                                        name='rcg watch')
        self._thread.start()

    # For the main thread.

    def must_stop(self, done: int, every: int = 1) -> bool:
        """Whether to stop after so many steps; if not, one more is begun.

        Args:
            done: Steps that are done.
            every: Stop after a multiple of so many steps alone.
        """
        with self._lock:
            if signals.requested() == 0 and not self.own.frozen:
                self.own.step = done + 1
                return False
            self.own.frozen = True
        self._wake.set()
        self._agreed.wait()
        return done >= -(-self.last_step // every) * every

    def wait_until_all_are_ready(self) -> None:
        """Wait for all to keep their work; lost ones are not waited for."""
        self.own.ready = True
        self._wake.set()
        self._all_ready.wait()

    def close(self, error: str = '') -> None:
        """Tell the others that this process ends, and why if too early."""
        global _current
        if self._end.is_set() or os.getpid() != self.process:
            return
        self._end.set()
        self._wake.set()
        self._thread.join(5)
        self.own.error, self.own.done = error, not error
        with contextlib.suppress(RuntimeError):  # the store may be gone
            self._write()
        if _current is self:
            _current = None

    # In the thread.

    def _run(self) -> None:
        while not self._end.is_set():
            stopping = self.own.frozen
            self._wake.wait(.05 if stopping else self.period)
            self._wake.clear()
            if self._end.is_set():
                return
            try:
                self._write()
                self._read()
            except RuntimeError:  # of the store: its process has ended
                self._agree_alone()
            self._stop_together()

    def _write(self) -> None:
        self.own.count += 1
        self.own.signal = signals.requested()
        self.store.set(self.keys[self.own.rank], self.own.encode())

    def _read(self) -> None:
        now = time.monotonic()
        for text in self.store.multi_get(self.keys):
            beat = Beat.decode(text)
            if beat.count != self.beats[beat.rank].count:
                self.heard[beat.rank] = now
            self.beats[beat.rank] = beat

    def _agree_alone(self) -> None:
        """Without the store, a process that stops does so by itself."""
        if signals.requested():
            self.last_step = self.own.step
            self._agreed.set()
            self._all_ready.set()

    def silent(self, seconds: float) -> list[int]:
        """Processes that have not been heard of for so many seconds."""
        now = time.monotonic()
        return [beat.rank for beat in self.beats if not beat.done
                and now - self.heard[beat.rank] > seconds]

    def _stop_together(self) -> None:
        number = signal_of(self.beats) or signals.requested()
        if not number:
            return
        signals.request(number)
        with self._lock:
            self.own.frozen = True
        lost = self.silent(_LOST)
        if self.last_step is None:
            known = [b for b in self.beats if b.rank not in lost]
            self.last_step = last_step(known)
            if self.last_step is not None:
                self._agreed.set()
        if all_ready(self.beats, lost):
            self._all_ready.set()
        if not self.own.ready:
            self._follow_the_others(lost)

    def _follow_the_others(self, lost: list[int]) -> None:
        """Leave if this process waits for one that has left, or is lost."""
        gone = [beat for beat in self.beats if beat.ready or beat.done]
        if self.is_stepping:
            gone = [beat for beat in self.beats if beat.rank in lost]
        if not gone:
            self._left_at = None
            return
        now = time.monotonic()
        self._left_at = self._left_at or now
        if now - self._left_at > _LOST:
            self.own.ready = True
            with contextlib.suppress(RuntimeError):
                self._write()
            signals.leave_at_once(f'{gone[0]} has left or does not answer')
        sys.stderr.flush()
