"""What the tools share; nothing of rcg is imported before it is needed."""
import atexit
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def friendly_errors(debug: bool, resume: str = 'go on with --resume'
                    ) -> Iterator[None]:
    """Turn what a user gets wrong into one paragraph and exit status 1.

    Other exceptions are our bugs and keep their traceback, as all do with
    ``debug``. After success the process group is closed. Where rcg is not
    installed, or lacks what it needs, it says how to install it.
    """
    done = threading.Event()
    atexit.register(_leave, done)  # before other handlers: runs after them
    try:
        from torch import distributed

        from rcg.checkpoint import CheckpointError
        from rcg.engine import load_config  # noqa: F401  is all there?
    except ModuleNotFoundError as error:
        sys.exit(f"error: there is no module '{error.name}'. Install the "
                 'project first: pip install -e . (in its folder)')
    try:
        yield
    except KeyboardInterrupt:
        _complain(f'interrupted; {resume}')
        sys.exit(130)
    except (ValueError, KeyError, TypeError, OSError, CheckpointError,
            SyntaxError) as error:
        if debug:
            raise
        _complain(f'{message(error)}\n(--debug shows where)')
        sys.exit(1)
    else:  # after an error, other processes may never come to this point
        if distributed.is_initialized():
            distributed.destroy_process_group()
            done.set()


def _leave(done: threading.Event) -> None:
    """End one of several processes, if its work is done, as it stands.

    Gloo's threads live for as long as anything holds the group (a model
    wrapped for it does). One that lets go of a tensor when Python begins to
    take itself apart aborts the process, whose work was all done.
    """
    if done.is_set():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


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
