"""What the command line tools share."""
import contextlib
import os
import sys
import traceback
from collections.abc import Iterator

from torch import distributed

from rcg.checkpoint import CheckpointError

_USER_ERRORS = (ValueError, KeyError, TypeError, OSError, CheckpointError,
                SyntaxError)


@contextlib.contextmanager
def friendly_errors(debug: bool, resume: str = 'go on with --resume'
                    ) -> Iterator[None]:
    """Turn what a user gets wrong into one paragraph and exit status 1.

    Other exceptions are our bugs and keep their traceback, as all do with
    ``debug``. After success the process group is closed.
    """
    try:
        yield
    except KeyboardInterrupt:
        _complain(f'interrupted; {resume}')
        sys.exit(130)
    except _USER_ERRORS as error:
        if debug:
            raise
        _complain(f'{message(error)}\n(--debug shows where)')
        sys.exit(1)
    else:  # after an error, other processes may never come to this point
        if distributed.is_initialized():
            distributed.destroy_process_group()


def message(error: BaseException) -> str:
    """The text of an error, also of one that a loader's worker raised."""
    text = str(error)
    if isinstance(error, KeyError) and error.args:
        text = str(error.args[0])  # str() would add quotes
    if text.startswith('Caught ') and 'Original Traceback' in text:
        text = text.strip().splitlines()[-1]
    if isinstance(error, OSError) and error.errno and error.strerror:
        text = error.strerror + (f': {error.filename}' if error.filename
                                 else '')
    return text or traceback.format_exception_only(error)[-1].strip()


def _complain(text: str) -> None:
    rank = os.environ.get('RANK', '0')
    mark = f' (process {rank})' if rank != '0' else ''
    print(f'\nerror{mark}: {text}', file=sys.stderr, flush=True)
