"""Commands that can be killed while they run."""
import os
import signal
import time
from pathlib import Path

from tests.forked import launched, start


class Command:
    """A tool that runs in one process or several.

    Args:
        words: Name of the tool, such as 'train.py', and its arguments.
        root: Folder of the trained parts; configs know it as RCG_ROOT.
        log: File to which all processes write what they print.
        processes: Several get a launcher's environment and talk through gloo.
    """

    def __init__(self, words: list[str], root: Path, log: Path,
                 processes: int = 1) -> None:
        environments = [{}]
        if processes > 1:
            words = [*words, '--launcher', 'pytorch']
            environments = launched(processes)
        self.started = time.monotonic()
        self.processes = [start(*words, out=log, RCG_ROOT=str(root), **one)
                          for one in environments]

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
