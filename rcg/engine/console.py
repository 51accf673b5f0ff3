"""What of a run's log reaches the console."""
import io
import logging
import os
import shutil
import time
from collections.abc import Callable

from mmengine.logging import MMLogger

BAR, SHORTEST = 20, 5  # characters of a bar
_EVERY = .1  # seconds between two drawings of a bar
_ERASE = '\r\x1b[K'  # to the beginning of the line, and clear it


class InPlaceHandler(logging.StreamHandler):
    """Writes to a terminal; lines of progress replace each other.

    A line of progress has a bar in front. One whose work is done stays; other
    lines take the place of one whose work is not.
    """

    _drawn_at, _is_open = 0., False

    def emit(self, record: logging.LogRecord) -> None:
        share = getattr(record, 'share', None)
        if share is not None:
            self._draw(self.format(record), share)
            return
        if self._is_open:
            self.stream.write(_ERASE)
            self._is_open = False
        super().emit(record)

    def draw(self, text: Callable[[], str], share: float) -> None:
        """Draw a line of progress, unless the last one is very new.

        Args:
            text: Makes the line, which takes a while itself.
            share: Of the work that is done, in [0, 1].
        """
        if time.monotonic() - self._drawn_at >= _EVERY:
            with self.lock:
                self._draw(text(), share)

    def _draw(self, text: str, share: float) -> None:
        # A line that is wider would be wrapped, and not be erased. So a long
        # text takes the place of the bar; what stays may be wrapped.
        width = shutil.get_terminal_size().columns - 1
        size = min(BAR, width - len(text) - 3)
        done = round(size * min(max(share, 0.), 1.))
        bar = f'[{"#" * done}{"." * (size - done)}] ' * (size >= SHORTEST)
        self._is_open = share < 1
        line = bar + text
        self.stream.write(_ERASE + (line[:width] if self._is_open else
                                    line + '\n'))
        self.flush()
        self._drawn_at = time.monotonic()


def draw(runner, text: Callable[[], str], share: float) -> None:
    """Draw a line of progress where the console is a terminal; log nothing.

    It may be called after each piece of work, and waits for no device.
    Arguments: see :meth:`InPlaceHandler.draw`.
    """
    for handler in runner.logger.handlers:
        if isinstance(handler, InPlaceHandler) and (
                handler.level <= logging.INFO):
            handler.draw(text, share)


def log(runner, text: str, share: float | None = None) -> None:
    """Log one line that people should see: console and log file, rank 0.

    Args:
        runner: Any Runner of MMEngine. One whose console is not quiet
            (:func:`quiet_console`) shows the line like all others.
        text: The line, without a line break at its end.
        share: Of a line of progress: the share of the work that is done. A
            terminal shows it in the place of the last one.
    """
    runner.logger.info(text, extra={'console': True, 'share': share})


def quiet_console(logger: logging.Logger, log_level: str) -> None:
    """Show messages without time stamps, and at level 'INFO' fewer of them.

    At 'INFO' the console shows warnings, errors and what :func:`log` was
    given. Log files keep everything, in UTF-8. Bytes of paths that are no
    text appear as ``\\udcff``.

    Args:
        logger: Its handlers are changed.
        log_level: Level that the user chose. Any but 'INFO' filters nothing.
    """
    for handler in list(logger.handlers):
        if isinstance(handler, logging.FileHandler):
            handler.stream.reconfigure(encoding='utf-8')
        escape_undecodable(handler.stream)
        if isinstance(handler, logging.FileHandler):
            continue
        handler.setFormatter(logging.Formatter('%(message)s'))
        if log_level == 'INFO':
            handler.addFilter(_is_for_people)
            if _is_terminal(handler.stream):
                _replace(logger, handler)


def _replace(logger: logging.Logger, handler: logging.Handler) -> None:
    """Take a handler of progress in place for one of plain lines."""
    new = InPlaceHandler(handler.stream)
    new.setLevel(handler.level)
    new.setFormatter(handler.formatter)
    for one in handler.filters:
        new.addFilter(one)
    logger.handlers[logger.handlers.index(handler)] = new


def _is_terminal(stream) -> bool:
    """Whether lines can be erased there."""
    return (not getattr(stream, 'closed', True) and stream.isatty()
            and os.environ.get('TERM', 'dumb') != 'dumb')


def escape_undecodable(stream) -> None:
    """Let a stream write what it cannot encode as ``\\udcff``.

    Args:
        stream: Of text; others than those of ``open`` stay as they are.
    """
    if isinstance(stream, io.TextIOWrapper) and not stream.closed:
        stream.reconfigure(errors='backslashreplace')


def _is_for_people(record: logging.LogRecord) -> bool:
    return (record.levelno >= logging.WARNING
            or getattr(record, 'console', False))


def write_to_log_files(error: BaseException) -> list[str]:
    """Write an error with its traceback to the log files, not the console.

    Returns:
        Paths of the files. There are none before a Runner is built.
    """
    record = logging.LogRecord(
        'rcg', logging.ERROR, __file__, 0, 'the run failed', None,
        (type(error), error, error.__traceback__))
    files = [handler for logger in MMLogger._instance_dict.values()
             for handler in logger.handlers
             if isinstance(handler, logging.FileHandler)]
    for handler in files:
        handler.handle(record)
    return [handler.baseFilename for handler in files]
