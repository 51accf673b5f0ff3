"""What people see on the console, apart from what the log file keeps."""
import logging


def _is_for_people(record: logging.LogRecord) -> bool:
    return (record.levelno >= logging.WARNING
            or getattr(record, 'console', False))


def quiet_console(logger: logging.Logger, log_level: str) -> None:
    """Show bare messages on the console; at level 'INFO' only a choice.

    A record is shown if it is a warning or worse, or logged with
    ``extra={'console': True}``. Files keep everything.
    """
    for handler in logger.handlers:
        if not isinstance(handler, logging.FileHandler):
            handler.setFormatter(logging.Formatter('%(message)s'))
            if log_level == 'INFO':
                handler.addFilter(_is_for_people)
