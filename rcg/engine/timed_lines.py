"""When lines of progress are due, by time."""
import datetime
import time

from rcg.engine.console import draw, log

# Seconds between the lines of work whose length is not known beforehand.
SECONDS = 10.


class TimedLines:
    """Tells when a line is due: after the first piece of work, then by time.

    The host's clock alone decides: nothing waits for a device.

    Args:
        seconds: Least time between two lines.
        at_once: The first piece of work has a line, however quick it is.
    """

    def __init__(self, seconds: float = SECONDS,
                 at_once: bool = True) -> None:
        self.seconds, self.at_once = seconds, at_once
        self.started = self.line_at = time.perf_counter()

    def due(self) -> bool:
        """Whether a line is due after a piece of work; if so, it is noted."""
        now = time.perf_counter()
        if not self.at_once and now - self.line_at < self.seconds:
            return False
        self.at_once, self.line_at = False, now
        return True

    def skip(self) -> None:
        """Count from now: there was another line."""
        self.at_once, self.line_at = False, time.perf_counter()

    def left(self, done: int, total: int) -> str:
        """The time that is left after ``done`` of ``total`` pieces."""
        spent = time.perf_counter() - self.started
        return time_left(spent / max(done, 1) * (total - done))


def show(runner, lines: TimedLines, text: str, done: int, total: int) -> None:
    """Show how far a piece of work has come: a line if one is due.

    A terminal shows it each time, in place.

    Args:
        text: What is done, without the time that is left.
        done, total: Pieces of work.
    """
    def line() -> str:
        return f'{text}  {lines.left(done, total)}'

    if lines.due():
        log(runner, line(), done / total)
    else:
        draw(runner, line, done / total)


def time_left(seconds: float) -> str:
    """A duration for a line of progress."""
    return f'left {datetime.timedelta(seconds=round(seconds))}'
