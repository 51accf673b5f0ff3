"""Runs commands that need each other, each in a process of its own."""
import dataclasses
import datetime
import json
import multiprocessing
import resource
import shutil
import time
from multiprocessing.connection import wait
from pathlib import Path

import torch

# What stages need is loaded once: a stage is a fork of this process, so it
# starts at once. Not so with a GPU, which a fork cannot use.
import rcg.apis.sampling
import rcg.apis.testing
import rcg.apis.training
import rcg.datasets
import rcg.evaluation  # noqa: F401
from rcg.apis.timing import peak_memory
from rcg.checkpoint import open_atomically
from rcg.engine.distributed import usable_cores
from rcg.files import read_json
from rcg.projects.quickstart.run_command import run_command

# Models this small train only a fifth faster on two cores than on one. So two
# stages run at a time, on one core each.
JOBS = 2
START = 'spawn' if torch.cuda.is_available() else 'fork'


@dataclasses.dataclass
class Stage:
    """One command.

    Attributes:
        name: Name of the stage and, if it trains, of its folder.
        command: Tool and arguments; ``{root}`` stands for the work folder.
        needs: Names of the stages that must be done before it.
    """
    name: str
    command: list[str]
    needs: tuple[str, ...] = ()


class StageRunner:
    """Runs the stages of one work folder, two at a time.

    ``stages.json`` in the folder holds command, seconds and peak memory of
    every stage that was begun. So an interrupted run goes on.

    Args:
        root: The work folder, which stages know as RCG_ROOT.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.path = root, root / 'stages.json'
        root.mkdir(parents=True, exist_ok=True)
        self.records, self.running = {}, {}
        if self.path.exists():
            self.records = read_json(self.path)
        self.started = time.monotonic()
        self.threads = max(1, usable_cores() // JOBS)

    def run(self, stages: list[Stage]) -> list[str]:
        """Run the stages that are not done; return the names that failed."""
        for stage in stages:
            stage.command = [word.format(root=self.root)
                             for word in stage.command]
        self._forget_changed(stages)
        todo = [s for s in stages if not self._is_done(s.name)]
        if len(todo) < len(stages):
            print(f'{len(stages) - len(todo)} of {len(stages)} stages were '
                  'done before', flush=True)
        self.total, failed = len(stages), []
        while todo or self.running:
            ready = [s for s in todo if all(map(self._is_done, s.needs))]
            while ready and len(self.running) < JOBS and not failed:
                todo.remove(ready[0])
                self._start(ready.pop(0))
            if not self.running:
                break  # all others need a stage that failed
            for sentinel in wait(list(self.running)):
                name = self._finish(sentinel)
                if not self._is_done(name):
                    failed.append(name)
        return failed

    def _is_done(self, name: str) -> bool:
        return self.records.get(name, {}).get('done', False)

    def _forget_changed(self, stages: list[Stage]) -> None:
        """Forget stages whose command changed, and all that need them."""
        changed = set()
        for stage in stages:
            record = self.records.get(stage.name)
            if record is None:
                continue
            if record['command'] != stage.command or changed & set(
                    stage.needs):
                changed.add(stage.name)
                del self.records[stage.name]
                if stage.command[0].endswith('train.py'):
                    shutil.rmtree(self.root / stage.name, ignore_errors=True)

    def _start(self, stage: Stage) -> None:
        elapsed = datetime.timedelta(
            seconds=round(time.monotonic() - self.started))
        done = sum(record['done'] for record in self.records.values())
        print(f'[{done}/{self.total} done, {elapsed}] {stage.name}\n'
              f'  RCG_ROOT={self.root} python {" ".join(stage.command)}',
              flush=True)
        before = self.records.get(stage.name, {}).get('seconds', 0.)
        self._save(stage.name, dict(command=stage.command, done=False,
                                    seconds=before, peak_memory_mb=0))
        child = multiprocessing.get_context(START).Process(
            target=run_command, args=(str(self.root), stage.command,
                                      self.threads))
        child.start()
        self.running[child.sentinel] = stage.name, child, time.monotonic()

    def _finish(self, sentinel: int) -> str:
        name, child, begun = self.running.pop(sentinel)
        child.join()
        record = self.records[name]
        self._save(name, dict(
            record, done=child.exitcode == 0,
            seconds=round(record['seconds'] + time.monotonic() - begun, 2),
            # The largest child so far.
            peak_memory_mb=peak_memory(resource.RUSAGE_CHILDREN) >> 20))
        return name

    def _save(self, name: str, record: dict) -> None:
        self.records[name] = record
        with open_atomically(self.path) as file:
            file.write(json.dumps(self.records, indent=1).encode())
