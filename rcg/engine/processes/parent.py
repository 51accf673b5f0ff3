"""Processes that end with the launcher that has started them."""
import os
import signal
import sys
import threading
import time

_PERIOD = 1.  # seconds between two looks at the parent
# Set by tools/_torchrun.py to its own number.
LAUNCHER = 'RCG_LAUNCHER'
_watched = False


def end_with_parent() -> None:
    """End this process, by SIGKILL, as soon as its parent has ended.

    Without its launcher a process would train on, and write checkpoints beside
    those of the run that goes on. A thread looks at the parent every second.
    Linux's PR_SET_PDEATHSIG is not used: it takes the end of the thread that
    has started a process for that of its parent.
    """
    global _watched
    if _watched:
        return
    _watched = True
    threading.Thread(
        target=_watch, daemon=True, name='rcg parent',
        args=(os.getppid(), int(os.environ.get(LAUNCHER, 0)))).start()


def _watch(parent: int, launcher: int) -> None:
    # The launcher may have ended before this process looked for its parent.
    while os.getppid() == parent and (not launcher or _exists(launcher)):
        time.sleep(_PERIOD)
    rank = os.environ.get('RANK', '0')
    print(f'\nthe launcher (process {parent}) of rank {rank} has ended: rank '
          f'{rank} ends, too', file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
