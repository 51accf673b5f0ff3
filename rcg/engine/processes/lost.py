"""What is said and done about a process of a run that is lost."""
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Sequence

from .beats import Beat


class LostProcessError(ConnectionError):
    """Another process of the run is lost."""


def lost_sentence(lost: Sequence[Beat], own: Beat, timeout: float) -> str:
    """Who is lost, where that was, and what this process waited for.

    Args:
        lost: At least one.
        own: This process.
        timeout: Seconds after which one that does not get on is lost.
    """
    first = lost[0]
    names = ' and '.join(map(str, lost[:4]))
    if len(lost) > 4:
        names += f' and {len(lost) - 4} others'
    if first.error:
        what = f'failed: {first.error}'
    elif first.done:
        what = 'ended before the others'
    elif first.still > timeout:
        what = f'did not get on for {timeout:g} s'
        if first.place:
            what += f' {first.place}'
    else:
        what = 'does not answer any more'
    if first.rank == own.rank:
        return f'{names} {what}; the others waited for it'
    return (f'{names} {what}; rank {own.rank} (host {own.host}, {own.doing}) '
            'waited for it')


def described(error: BaseException) -> str:
    """An error in one line."""
    text = str(error).strip().partition('\n')[0]
    return f'{type(error).__name__}: {text}' if text else type(error).__name__


def last_error() -> str:
    """The error that ends Python, in one line; empty if there is none."""
    error = getattr(sys, 'last_value', None)
    return '' if error is None else described(error)


def kill_sibling(beat: Beat) -> None:
    """End a process that does not answer, if our launcher has started it.

    A suspended one would hold up the launcher, which asks it to end.
    """
    with contextlib.suppress(OSError, ValueError):
        with open(f'/proc/{beat.pid}/stat', 'rb') as file:
            parent = int(file.read().rpartition(b')')[2].split()[1])
        if (beat.host == socket.gethostname() and beat.pid != os.getpid()
                and parent == os.getppid() != 1):
            os.kill(beat.pid, signal.SIGKILL)
