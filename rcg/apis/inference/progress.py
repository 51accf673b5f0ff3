"""A bar that shows how far a long call is, where somebody looks on."""
import sys
import time

from rcg.engine.timed_lines import time_left

WAIT = 2.  # seconds before a bar appears: short calls have none
_EVERY = .1  # seconds between changes
_WIDTH = 24  # characters


class Bar:
    """One line on stderr, if that is a terminal; it goes away at the end.

    Args:
        what: What is done, such as 'sampling'.
        total: Pieces of work in all.
    """

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total, self.done = what, total, 0.
        self.on_terminal = sys.stderr is not None and sys.stderr.isatty()
        self.started, self._shown_at = time.perf_counter(), 0.

    def update(self, done: float) -> None:
        """Show that so many pieces are done, parts of pieces included."""
        now = time.perf_counter()
        if (not self.on_terminal or now - self.started < WAIT
                or now - self._shown_at < _EVERY):
            return
        share = min(done / self.total, 1.)
        filled = round(share * _WIDTH)
        left = (now - self.started) / max(share, 1e-9) * (1 - share)
        sys.stderr.write(f'\r{self.what} [{"#" * filled:<{_WIDTH}}] '
                         f'{int(done)}/{self.total}, {time_left(left)}\x1b[K')
        sys.stderr.flush()
        self._shown_at = now

    def close(self) -> None:
        """Remove the line, if there is one."""
        if self._shown_at:
            sys.stderr.write('\r\x1b[K')
            sys.stderr.flush()
            self._shown_at = 0.
