"""Commands one after the other, each in a process of its own, remembered."""
import datetime
import json
import multiprocessing
import os
import resource
import runpy
import shutil
import sys
import time
from pathlib import Path

# Loaded once: a stage is a fork of this process, so it starts at once.
import rcg.apis.inferencer
import rcg.datasets
import rcg.evaluation
import rcg.models  # noqa: F401
from rcg.checkpoint import open_atomically

HOME = Path(__file__).resolve().parents[2]


class Stages:
    """Runs the stages of one work folder.

    ``stages.json`` in there holds command, seconds and peak memory of every
    stage that was begun, so that a run that was interrupted goes on.

    Args:
        root: The work folder; stages see it as RCG_ROOT.
        count: Number of stages, for the progress line.
    """

    def __init__(self, root: Path, count: int) -> None:
        self.root, self.count, self.number = root, count, 0
        root.mkdir(parents=True, exist_ok=True)
        self.path = root / 'stages.json'
        self.records = {}
        if self.path.exists():
            self.records = json.loads(self.path.read_text())
        self.started = time.monotonic()

    def run(self, name: str, command: list[str]) -> bool:
        """Run one stage unless it is done; return whether it succeeded.

        A training stage that was begun with another command starts afresh,
        and so does all that comes after it.

        Args:
            name: Name of the stage and of its folder.
            command: Tool and arguments; ``{root}`` is the work folder.
        """
        self.number += 1
        place = f'[{self.number}/{self.count}] {name}'
        command = [word.format(root=self.root) for word in command]
        record = self.records.get(name, {})
        if record.get('command') == command:
            if record['done']:
                print(f'{place}: done before', flush=True)
                return True
        elif record:
            self._forget_from(name)
            record = {}
        elapsed = round(time.monotonic() - self.started)
        print(f'{place}  (elapsed {datetime.timedelta(seconds=elapsed)})\n'
              f'  RCG_ROOT={self.root} python {" ".join(command)}',
              flush=True)
        record = dict(command=command, done=False,
                      seconds=record.get('seconds', 0.), peak_memory_mb=0)
        self._save(name, record)
        begun = time.monotonic()
        child = multiprocessing.get_context('fork').Process(
            target=_run_tool, args=(str(self.root), command))
        child.start()
        child.join()
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        self._save(name, dict(
            record, done=child.exitcode == 0,
            seconds=round(record['seconds'] + time.monotonic() - begun, 2),
            peak_memory_mb=usage.ru_maxrss // 1024))
        return child.exitcode == 0

    def _forget_from(self, name: str) -> None:
        names = list(self.records)
        for later in names[names.index(name):]:
            command = self.records.pop(later)['command']
            if command[0].endswith('train.py'):
                shutil.rmtree(self.root / later, ignore_errors=True)

    def _save(self, name: str, record: dict) -> None:
        self.records[name] = record
        with open_atomically(self.path) as file:
            file.write(json.dumps(self.records, indent=1).encode())


def _run_tool(root: str, command: list[str]) -> None:
    os.environ['RCG_ROOT'] = root
    script = HOME / command[0]
    sys.argv = [str(script), *command[1:]]
    runpy.run_path(str(script), run_name='__main__')
