"""Commands in forks of this process, which has imported everything."""
import multiprocessing
import os
import signal
import socket
import sys
import time
from pathlib import Path

# Imported once, here: a fork starts its work at once.
import rcg.apis.sampling
import rcg.apis.testing
import rcg.apis.training
import rcg.datasets
import rcg.evaluation
import rcg.pretraining  # noqa: F401
from rcg.apis.run_command import run_command

_FORK = multiprocessing.get_context('fork')


class Command:
    """A tool that runs in one process or several.

    Args:
        words: Path of the tool, such as 'tools/train.py', and its arguments.
        root: Folder of the trained parts; configs know it as RCG_ROOT.
        log: File to which all processes write what they print.
        processes: Several get a launcher's environment and talk through gloo.
    """

    def __init__(self, words: list[str], root: Path, log: Path,
                 processes: int = 1) -> None:
        shared = {}
        if processes > 1:
            words = [*words, '--launcher', 'pytorch']
            shared = dict(WORLD_SIZE=str(processes), MASTER_ADDR='127.0.0.1',
                          MASTER_PORT=str(_free_port()))
        self.started = time.monotonic()
        self.processes = []
        for rank in range(processes):
            ranks = dict(RANK=str(rank), LOCAL_RANK=str(rank),
                         ) if shared else {}
            process = _FORK.Process(
                target=_run, args=(words, str(root), log, shared | ranks))
            process.start()
            self.processes.append(process)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to the processes, not to their workers."""
        for process in self.processes:
            if process.is_alive():
                os.kill(process.pid, number)

    def wait(self, timeout: float | None = None) -> list[int | None]:
        """Wait; exit statuses, None where a process still runs."""
        end = None if timeout is None else time.monotonic() + timeout
        for process in self.processes:
            process.join(None if end is None
                         else max(0., end - time.monotonic()))
        return [process.exitcode for process in self.processes]

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.started


def _run(words: list[str], root: str, log: Path, env: dict) -> None:
    os.environ.update(env)
    with open(log, 'ab') as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout = os.fdopen(1, 'w', buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, 'w', buffering=1, closefd=False)
    run_command(root, words, threads=1)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]
