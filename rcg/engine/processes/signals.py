"""Signals that ask a process to stop, obeyed when it can keep its work.

SIGTERM, SIGUSR1, SIGHUP and SIGINT are noted. Work that can be interrupted
only between two steps runs in :func:`deferred` and asks :func:`requested`
after each step. Elsewhere a signal raises :class:`Stopped`, as Ctrl-C raises
KeyboardInterrupt. A second signal ends the process at once, even one that
waits for a device or for another process.
"""
import contextlib
import mmap
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

# EX_TEMPFAIL of sysexits.h: nothing is wrong, start me again.
EXIT_STOPPED = 75
ASKING = (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP, signal.SIGINT)
# Seconds in which signals count as one. A launcher forwards the signal that
# all processes of a job got.
ONE_REQUEST = 1.
# Seconds from a signal to the end of the process, whatever it does.
LIMIT = 300.
_END = 255  # no signal has this number


class Stopped(SystemExit):
    """A signal stopped the work.

    Its exit status is 75 (130 after SIGINT), unless a caller catches it.

    Args:
        number: The signal.
        kept: What was kept, in words for people.
    """

    def __init__(self, number: int, kept: str = '') -> None:
        super().__init__(exit_status(number))
        self.number, self.kept = number, kept

    def __str__(self) -> str:
        return f'stopped by {name_of(self.number)}{self.kept and ": "}' \
            f'{self.kept}'


def exit_status(number: int) -> int:
    """Exit status of a process that a signal stopped."""
    return 130 if number == signal.SIGINT else EXIT_STOPPED


def name_of(number: int) -> str:
    """Such as 'SIGTERM'."""
    return signal.Signals(number).name


class _Request:
    """The first signal, and whether the work obeys it by itself."""

    def __init__(self) -> None:
        self.number, self.at, self.limit = 0, 0., LIMIT
        self.deferrals: set[object] = set()
        self.listeners: list[Callable[[], None]] = []

    def note(self, number: int) -> bool:
        """Note a signal; whether it is the first."""
        if self.number:
            return False
        self.number, self.at = number, time.monotonic()
        return True


_request = _Request()
_receiver: '_Receiver | None' = None
# In a forked child: that of its parent.
_of_parent: '_Receiver | None' = None


def requested() -> int:
    """Number of the signal that asked this process to stop, or 0."""
    return _request.number


def request(number: int) -> None:
    """Ask this process to stop, as the signal would have done.

    May be called in any thread. It does not interrupt what is running.
    """
    _request.note(number)
    if _receiver is not None:
        _receiver.wake()


def set_limit(seconds: float) -> None:
    """Change the seconds from a signal to the end of the process."""
    _request.limit = seconds


def on_request(function: Callable[[], None]) -> None:
    """Call a function, in another thread, as soon as a signal has come."""
    _request.listeners.append(function)


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Inside, signals are noted only: ask :func:`requested` often."""
    mine, deferrals = object(), _request.deferrals
    deferrals.add(mine)
    try:
        yield
    finally:
        deferrals.discard(mine)


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """Note signals instead of dying of them; restore handlers at the end.

    Nothing changes in a thread, in an interactive session (a notebook), for
    signals that are ignored (nohup) or have a handler of somebody else's.
    """
    global _receiver
    if (_receiver is not None or _is_interactive()
            or threading.current_thread() is not threading.main_thread()):
        yield
        return
    _receiver = _Receiver()
    try:
        yield
    finally:
        _stop_listening()


def _stop_listening() -> None:
    global _receiver, _request
    receiver, _receiver = _receiver, None
    if receiver is not None:
        receiver.close()
    _request = _Request()


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """At the end, also after an error, undo what was begun inside."""
    receiver, before = _receiver, set(_request.deferrals)
    try:
        yield
    finally:
        _request.deferrals.intersection_update(before)
        if _receiver is not receiver:
            _stop_listening()


def _is_interactive() -> bool:
    return hasattr(sys, 'ps1') or '__IPYTHON__' in vars(
        sys.modules['builtins'])


class _Receiver:
    """Handlers of signals, and a thread that sees them at once.

    Python runs a handler when the main thread is back from C. The thread is
    told by the wakeup descriptor, even if the main thread waits for a device
    or another process for ever.
    """

    def __init__(self) -> None:
        self.old = {number: signal.getsignal(number) for number in ASKING
                    if signal.getsignal(number) in (
                        signal.SIG_DFL, signal.default_int_handler)}
        # Read by children that were forked: 1 while this process works.
        self.working = mmap.mmap(-1, 1)
        self.working[0] = 1
        self.process, self.raised = os.getpid(), False
        self.out, self.into = os.pipe()
        os.set_blocking(self.into, False)
        self.old_wakeup = signal.set_wakeup_fd(
            self.into, warn_on_full_buffer=False)
        for number in self.old:
            signal.signal(number, self._handle)
        self.thread = threading.Thread(target=self._watch, daemon=True,
                                       name='rcg signals')
        self.thread.start()

    def _handle(self, number: int, frame) -> None:
        _request.note(number)
        if _request.deferrals or self.raised:
            return
        self.raised = True  # the clean-up that follows is not interrupted
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise Stopped(number)

    def _watch(self) -> None:
        """Tell listeners of the first signal; leave at the second."""
        told, end, first = False, False, None
        while not end:
            left = None
            if _request.number:
                left = _request.at + _request.limit - time.monotonic()
                if left <= 0:
                    leave_at_once(f'not done {_request.limit:g} s after it')
                if not told:
                    told = True
                    for function in _request.listeners:
                        function()
            if not select.select([self.out], [], [], left)[0]:
                continue
            now = time.monotonic()
            for number in os.read(self.out, 64):
                end = end or number == _END
                if number not in self.old:
                    continue
                first = first or now
                _request.note(number)
                if now - first > ONE_REQUEST:
                    leave_at_once(f'a second one, {name_of(number)}')

    def wake(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self.into, b'\0')

    def close(self) -> None:
        self.working[0] = 0
        for number, handler in self.old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self.old_wakeup)
        os.write(self.into, bytes([_END]))
        self.thread.join()
        os.close(self.out)
        os.close(self.into)

    def handle_in_child(self, terminable: bool) -> None:
        for number in self.old:
            signal.signal(number, self._handle_in_child)
        if terminable and signal.SIGTERM in self.old:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _handle_in_child(self, number: int, frame) -> None:
        if os.getppid() != self.process or (
                number == signal.SIGTERM and not self.working[0]):
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)


def leave_at_once(why: str) -> None:
    """End the process after a signal, without any cleaning up."""
    number = _request.number or signal.SIGTERM
    rank = os.environ.get('RANK', '0')
    print(f'\nstopped by {name_of(number)} at once, nothing more is saved '
          f'(process {rank}): {why}', file=sys.stderr, flush=True)
    os._exit(exit_status(number))


def _after_fork() -> None:
    global _receiver, _request, _of_parent
    if _receiver is not None:
        signal.set_wakeup_fd(-1)
        _of_parent, _receiver, _request = _receiver, None, _Request()
        # A pool ends its workers by SIGTERM, and waits until they are gone.
        _of_parent.handle_in_child(terminable=True)


def work_on() -> None:
    """In a worker of a data loader: leave signals to the parent.

    A scheduler sends them to the workers, too. These work on, so that the step
    can be finished. SIGTERM ends them when their parent is leaving, or is
    gone.
    """
    if _of_parent is not None:
        _of_parent.handle_in_child(terminable=False)


def leaving() -> None:
    """From now on, forked children die of SIGTERM."""
    if _receiver is not None:
        _receiver.working[0] = 0


os.register_at_fork(after_in_child=_after_fork)
