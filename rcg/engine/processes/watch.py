"""Processes of one run that stop together, and notice when one is lost.

A thread of each process writes a :class:`Beat` to the store of
torch.distributed and reads those of the others. A training step pays nothing
for it: there is no collective operation and no wait for a device. A second
thread judges what was read, as the store may not answer.

To stop after the same step, all processes begin no further one, and tell
which they have begun last. The greatest of these numbers is the last step.

A process is lost when it has failed, was not heard of for the timeout, or
hindered the others for the timeout. These then end and name it. Time in
which a process itself was suspended does not count.
"""
import atexit
import os
import re
import socket
import sys
import threading
import time
from typing import NoReturn

from torch import distributed
from torch.distributed import distributed_c10d

from . import signals
from .beat_store import BeatStore
from .beats import Beat, all_ready, hindering, last_step, signal_of
from .lost import kill_sibling, last_error, lost_sentence
from .places import main_thread_place

TIMEOUT = 1800.  # seconds, if a config does not give it
PERIOD = 1.  # seconds between two beats of up to 64 processes
# Seconds without a beat after which a process does not count when the others
# stop; and for which those stay that wait for one that has left.
_LOST = 10.
_OF_OTHERS = re.compile('gloo|nccl|connection|broken pipe', re.IGNORECASE)
_current: 'Watch | None' = None


def current() -> 'Watch | None':
    """The watch of this process; None if it is the only one."""
    return _current


def start(store: distributed.Store, rank: int, world: int,
          timeout: float = TIMEOUT, rendezvous: float = 300.) -> 'Watch':
    """Watch over the processes that share a store. All must call it.

    Args:
        store: Shared by all of them.
        rank: Number of this process.
        world: Number of processes.
        timeout: Seconds that the others wait for one.
        rendezvous: Seconds that they wait for all to call this function.

    Raises:
        LostProcessError: Not all have called it in time.
    """
    global _current
    if _current is None:
        _current = Watch(store, rank, world, timeout)
        _current.meet(rendezvous)
    return _current


def start_in_group(timeout: float = TIMEOUT) -> 'Watch':
    """Watch over the processes of torch's group. All must call it."""
    return start(distributed_c10d._get_default_store(),
                 distributed.get_rank(), distributed.get_world_size(),
                 timeout)


class Watch:
    """Beats of all processes; see the module. Arguments: see ``start``."""

    def __init__(self, store: distributed.Store, rank: int, world: int,
                 timeout: float) -> None:
        self.store = BeatStore(store, world)
        self.own = Beat(rank, socket.gethostname(), pid=os.getpid())
        self.timeout = timeout
        self.period = min(PERIOD * max(1., world / 64), timeout / 10)
        self.beats = [Beat(i) for i in range(world)]
        # Seconds in which this process ran; likewise, when it got on, the
        # store answered, and each was heard of.
        self.clock = self.moved = self.answered = 0.
        self.heard = [0.] * world
        self.last_step: int | None = None
        self._lock = threading.Lock()
        self._agreed, self._all_ready = threading.Event(), threading.Event()
        self._wake, self._end = threading.Event(), threading.Event()
        # Whether the main thread will come to its next step or is saving.
        self.is_stepping = False
        self._left_at: float | None = None
        self._explaining = False
        self.process = os.getpid()
        signals.on_request(self._wake.set)
        self._threads = [
            threading.Thread(target=function, daemon=True, name=name)
            for function, name in ((self._run, 'rcg beats'),
                                   (self._judge, 'rcg watch'))]
        self.store.write(self.own)
        atexit.register(lambda: self.close(last_error()))

    def meet(self, seconds: float) -> None:
        """Wait until all are there; then watch.

        Raises:
            LostProcessError: Some are not there in time.
        """
        self.store.wait_for_all(seconds)
        for thread in self._threads:
            thread.start()

    # For the main thread.

    def get_on(self, doing: str) -> None:
        """Tell that a piece of work is done, and what comes next."""
        self.own.doing, self.moved = doing, self.clock

    def cause_of(self, error: BaseException) -> str:
        """Which process is why a collective operation has failed, in words.

        It is empty if the error has another reason.
        """
        if not _OF_OTHERS.search(str(error)):
            return ''
        self._explaining = True
        silence = max(3., 3 * self.period)
        end = self.clock + 2 * silence
        while self.clock < end and not self._end.is_set():
            lost = self._failed() or self._silent(silence)
            if lost:
                return lost_sentence(lost, self.own, self.timeout)
            time.sleep(.05)
        return ''

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
        self._tell_last(error)
        if self.own.rank == 0:  # it may keep the store: it leaves last
            self._wait_for_readers(min(2 * self.period, 3.) if error else 10.)
        self._end.set()
        self._wake.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(2)
        if _current is self:
            _current = None

    # In the threads.

    def _tell_last(self, error: str) -> None:
        self.own.error, self.own.done = error, not error
        last = threading.Thread(target=self._exchange, daemon=True)
        last.start()
        last.join(3)  # the store may not answer

    def _wait_for_readers(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.store.ended and not all(
                beat.done or beat.error for beat in self.beats):
            self._wake.set()
            time.sleep(.05)

    def _run(self) -> None:
        """Write and read beats; obey signals."""
        while not self._end.is_set():
            self._wake.wait(.05 if self.own.frozen else self.period)
            self._wake.clear()
            if self._end.is_set():
                return
            if self._exchange():
                self._stop_together()
            elif self.store.ended:
                self._agree_alone()

    def _exchange(self) -> bool:
        """Write this beat and read all; whether the store has answered."""
        self.own.count += 1
        self.own.signal = signals.requested()
        self.own.still = self.clock - self.moved
        self.own.place, self.own.waits = '', False
        if self.own.still > self.timeout / 3:
            self.own.place, self.own.waits = main_thread_place()
        beats = self.store.exchange(self.own)
        for old, new in zip(self.beats, beats, strict=False):
            if new.count != old.count:
                self.heard[new.rank] = self.clock
        if beats:
            self.beats, self.answered = beats, self.clock
        return bool(beats)

    def _agree_alone(self) -> None:
        """Stop without the others: the store is gone."""
        if signals.requested():
            self.last_step = self.own.step
            self._agreed.set()
            self._all_ready.set()

    def _judge(self) -> None:
        """End this process when another one is lost."""
        now = time.monotonic()
        while not self._end.wait(self.period / 2):
            then, now = now, time.monotonic()
            self.clock += min(now - then, 2 * self.period)
            if self._explaining or self.own.ready or self.own.signal or (
                    self.own.done or self.own.error):
                continue  # it ends anyway
            lost = (self._silent(self.timeout)
                    or hindering(self.beats, self.timeout))
            if lost:
                self._end_process(lost)
            failed = self._failed()
            if failed:  # the main thread may say so itself
                if self._end.wait(max(2., 2 * self.period)):
                    return
                self._end_process(failed)

    def _silent(self, seconds: float) -> list[Beat]:
        """Processes that have not been heard of for so many seconds."""
        gap = self.clock - self.answered
        if gap > (min(seconds, 5.) if self.store.ended else seconds):
            return self.beats[:1]  # it keeps the store
        if gap > 2 * self.period:
            return []  # nobody could be heard of
        return [beat for beat in self.beats if not beat.done
                and not beat.error
                and self.clock - self.heard[beat.rank] > seconds]

    def _failed(self) -> list[Beat]:
        return [beat for beat in self.beats
                if beat.error and beat.rank != self.own.rank]

    def _end_process(self, lost: list[Beat]) -> NoReturn:
        """End without cleaning up: the main thread waits for ever."""
        sentence = lost_sentence(lost, self.own, self.timeout)
        print(f'\nerror: {sentence}. Go on with --resume.', file=sys.stderr,
              flush=True)
        if any(beat.rank == self.own.rank for beat in lost):
            self._tell_last(sentence)
        for beat in lost:
            if not beat.error:
                kill_sibling(beat)
        os._exit(1)

    def _stop_together(self) -> None:
        number = signal_of(self.beats) or signals.requested()
        if not number:
            return
        signals.request(number)
        with self._lock:
            self.own.frozen = True
        lost = [beat.rank for beat in self._silent(_LOST)]
        if self.last_step is None:
            self.last_step = last_step(
                b for b in self.beats if b.rank not in lost)
            if self.last_step is not None:
                self._agreed.set()
        if all_ready(self.beats, lost):
            self._all_ready.set()
        if not self.own.ready:
            self._follow_the_others(lost)

    def _follow_the_others(self, lost: list[int]) -> None:
        """Leave if this process waits for one that has left, or is lost."""
        gone = [beat for beat in self.beats if beat.rank in lost or (
            not self.is_stepping and (beat.ready or beat.done))]
        if not gone or self._left_at is None:
            self._left_at = self.clock if gone else None
        elif self.clock - self._left_at > _LOST:
            self.own.ready = True
            self._exchange()
            signals.leave_at_once(f'{gone[0]} has left or does not answer')
