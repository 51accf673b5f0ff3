"""What of a run's log reaches the console."""
import io
import logging

from mmengine.logging import MMLogger


def log(runner, text: str) -> None:
    """Log one line that people should see: console and log file, rank 0.

    Args:
        runner: Any Runner of MMEngine. One whose console is not quiet
            (:func:`quiet_console`) shows the line like all others.
        text: The line, without a line break at its end.
    """
    runner.logger.info(text, extra={'console': True})


def quiet_console(logger: logging.Logger, log_level: str) -> None:
    """Show messages without time stamps, and at level 'INFO' fewer of them.

    At 'INFO' the console shows warnings, errors and what :func:`log` was
    given. Log files keep everything, in UTF-8. Bytes of paths that are no
    text appear as ``\\udcff``.

    Args:
        logger: Its handlers are changed.
        log_level: Level that the user chose. Any but 'INFO' filters nothing.
    """
    for handler in logger.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.stream.reconfigure(encoding='utf-8')
        escape_undecodable(handler.stream)
        if isinstance(handler, logging.FileHandler):
            continue
        handler.setFormatter(logging.Formatter('%(message)s'))
        if log_level == 'INFO':
            handler.addFilter(_is_for_people)


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
