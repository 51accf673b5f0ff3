"""Ends work that a signal interrupts, on all processes together."""
import contextlib
import os
import sys
from collections.abc import Iterator
from typing import NoReturn

from torch import distributed

from . import signals, watch
from .lost import LostProcessError, described


@contextlib.contextmanager
def stoppable(resume: str) -> Iterator[None]:
    """Listen to signals during a command, and say when one has stopped it.

    Args:
        resume: What to do to go on, in words for people.
    """
    with signals.listening():
        try:
            with failing_together():
                yield
            if watch.current() is not None:
                watch.current().close()  # all is done
        except signals.Stopped as stop:
            if os.environ.get('RANK', '0') == '0':
                print(f'\n{stop}; {resume}', file=sys.stderr, flush=True)
            if distributed.is_initialized():
                # At once: the launcher signals when the first process ends.
                sys.stdout.flush()
                os._exit(stop.code)
            raise


@contextlib.contextmanager
def failing_together() -> Iterator[None]:
    """Tell the other processes of an error; find the one that has caused it.

    Raises:
        LostProcessError: In place of an error of a collective operation that
            another process has caused.
    """
    try:
        yield
    except signals.Stopped:
        raise
    except BaseException as error:
        others = watch.current()
        if others is None:
            raise
        if signals.requested():  # they have left
            raise signals.Stopped(signals.requested()) from error
        cause = others.cause_of(error)
        others.close(cause or described(error))
        if cause:
            raise LostProcessError(f'{cause}. Go on with --resume.') from error
        raise


def get_on(doing: str) -> None:
    """Tell other processes that a piece of work is done, and what is next."""
    if watch.current() is not None:
        watch.current().get_on(doing)


def must_stop(done: int, every: int = 1) -> bool:
    """Whether to stop after so many training steps.

    All processes get the same answer for the same step. If the answer is no,
    the next step counts as begun.

    Args:
        done: Steps that are done.
        every: Stop after a multiple of so many steps alone.
    """
    if watch.current() is not None:
        return watch.current().must_stop(done, every)
    return signals.requested() != 0 and done % every == 0


def leave(kept: str) -> NoReturn:
    """Wait until all processes have kept their work; then stop.

    Args:
        kept: What was kept, in words for people.

    Raises:
        Stopped: Always.
    """
    if watch.current() is not None:
        watch.current().wait_until_all_are_ready()
    signals.leaving()
    raise signals.Stopped(signals.requested(), kept)
