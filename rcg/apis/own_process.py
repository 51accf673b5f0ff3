"""Work in a process of its own, whose memory is counted and may run out."""
import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection

import torch

from rcg.engine.errors import message

# A GPU cannot be used in a fork.
START = 'spawn' if torch.cuda.is_available() else 'fork'


def in_own_process(work: Callable, *args, threads: int,
                   remedy: str = ''):
    """Call a function in a process of its own; return what it returns.

    Args:
        work: A function of a module. What it returns can be pickled.
        args: Its arguments.
        threads: Threads of PyTorch.
        remedy: What to do if the process is killed, as a sentence.

    Raises:
        ValueError: It failed, with the message of its error.
    """
    ours, theirs = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context(START).Process(
        target=_work, args=(theirs, work, args, threads))
    child.start()
    theirs.close()
    try:
        done, found = ours.recv()
    except EOFError:
        child.join()
        done, found = False, (
            f'its process ended with exit status {child.exitcode} (-9: too '
            f'little memory). {remedy}'.strip())
    child.join()
    if done:
        return found
    raise ValueError(found)


def _work(results: Connection, work: Callable, args: tuple,
          threads: int) -> None:
    torch.set_num_threads(threads)
    try:
        results.send((True, work(*args)))
    except (RuntimeError, ValueError, TypeError, KeyError, OSError,
            AttributeError, AssertionError) as error:
        results.send((False, message(error)))
