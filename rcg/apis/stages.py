"""Runs commands that need each other, each in a process of its own."""
import dataclasses
import datetime
import json
import multiprocessing
import resource
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection, wait
from pathlib import Path

# What stages need is loaded once: a stage is a fork of this process, so it
# starts at once. Not so with a GPU, which a fork cannot use.
import rcg.apis.sampling
import rcg.apis.testing
import rcg.apis.training
import rcg.datasets
import rcg.evaluation  # noqa: F401
from rcg.apis.own_process import START
from rcg.apis.run_command import run_command
from rcg.apis.timing import peak_memory
from rcg.checkpoint import open_atomically
from rcg.engine.distributed import usable_cores
from rcg.files import read_json

# Models this small train only a fifth faster on two cores than on one. So two
# stages run at a time, on one core each.
JOBS = 2


@dataclasses.dataclass
class Stage:
    """One command.

    Attributes:
        name: Name of the stage and, if it trains, of its folder.
        command: Tool and arguments; ``{root}`` stands for the work folder.
        needs: Names of the stages that must be done before it.
        alone: Whether it runs alone, on all cores.
    """
    name: str
    command: list[str]
    needs: tuple[str, ...] = ()
    alone: bool = False


class StageRunner:
    """Runs the stages of one work folder, some at a time.

    ``stages.json`` in the folder holds command, seconds and peak memory of
    every stage that was begun. So an interrupted run goes on.

    Args:
        root: The work folder, which stages know as RCG_ROOT.
        jobs: Stages at a time.
    """

    def __init__(self, root: Path, jobs: int = JOBS) -> None:
        self.root, self.path = root, root / 'stages.json'
        root.mkdir(parents=True, exist_ok=True)
        self.records, self.running = {}, {}
        if self.path.exists():
            self.records = read_json(self.path)
        self.started, self.jobs = time.monotonic(), jobs
        self.threads = max(1, usable_cores() // jobs)

    def run(self, stages: list[Stage]) -> list[str]:
        """Run the stages that are not done; return the names that failed."""
        for stage in stages:
            # Not str.format: folders may have braces in their names.
            stage.command = [word.replace('{root}', str(self.root))
                             for word in stage.command]
        self._forget_changed(stages)
        todo = [s for s in stages if not self._is_done(s.name)]
        if len(todo) < len(stages):
            print(f'{len(stages) - len(todo)} of {len(stages)} stages were '
                  'done before', flush=True)
        self.names, failed = [stage.name for stage in stages], []
        while todo or self.running:
            while not failed and (stage := self._next(todo)):
                todo.remove(stage)
                self._start(stage)
            if not self.running:
                break  # all others need a stage that failed
            for name in self._finished():
                if not self._is_done(name):
                    failed.append(name)
        return failed

    def _finished(self) -> list[str]:
        """Wait for stages that end; if this process is stopped, stop all."""
        try:
            return [self._finish(one) for one in wait(list(self.running))]
        except BaseException:  # a signal, for instance, to this process alone
            for _, child, *_ in self.running.values():
                child.terminate()  # it saves what it has
            for sentinel in list(self.running):
                self._finish(sentinel)
            raise

    def seconds(self) -> dict[str, float]:
        """Seconds of every stage, by its name."""
        return {name: record['seconds']
                for name, record in self.records.items()}

    def peak_memory_mb(self) -> int:
        """Peak memory of the stages, as far as they ran at the same time.

        An upper bound: the peaks of two stages need not coincide.
        """
        records = [record for record in self.records.values()
                   if 'began' in record]  # files of older versions have none
        return max((sum(other['peak_memory_mb'] for other in records
                        if other['began'] <= one['began'] < other['ended'])
                    for one in records), default=0)

    def _next(self, todo: list[Stage]) -> Stage | None:
        """The first stage that may start now."""
        if any(stage.alone for stage, *_ in self.running.values()):
            return None
        if len(self.running) >= self.jobs:
            return None
        return next((stage for stage in todo
                     if all(map(self._is_done, stage.needs))
                     and not (stage.alone and self.running)), None)

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
        done = sum(map(self._is_done, self.names))
        print(f'[{done}/{len(self.names)} done, {elapsed}] {stage.name}\n'
              f'  RCG_ROOT={shlex.quote(str(self.root))} python '
              f'{shlex.join(stage.command)}', flush=True)
        before = self.records.get(stage.name, {}).get('seconds', 0.)
        self._save(stage.name, dict(
            command=stage.command, done=False, seconds=before,
            peak_memory_mb=0, began=time.time(), ended=0.))
        threads = usable_cores() if stage.alone else self.threads
        ours, theirs = multiprocessing.Pipe(duplex=False)
        child = multiprocessing.get_context(START).Process(
            target=_run, args=(theirs, run_command, str(self.root),
                               stage.command, threads))
        child.start()
        theirs.close()
        self.running[child.sentinel] = stage, child, ours, time.monotonic()

    def _finish(self, sentinel: int) -> str:
        stage, child, ours, begun = self.running.pop(sentinel)
        child.join()
        record = self.records[stage.name]
        self._save(stage.name, dict(
            record, done=child.exitcode == 0, ended=time.time(),
            seconds=round(record['seconds'] + time.monotonic() - begun, 2),
            peak_memory_mb=_received(ours)))
        return stage.name

    def _save(self, name: str, record: dict) -> None:
        self.records[name] = record
        with open_atomically(self.path) as file:
            file.write(json.dumps(self.records, indent=1).encode())



def run_or_exit(root: Path, stages: Iterable[tuple], jobs: int = JOBS
                ) -> None:
    """Run the stages of a folder; end this process if one failed.

    Args:
        root: The work folder.
        stages: Arguments of :class:`Stage`, of each.
        jobs: Stages at a time.
    """
    failed = StageRunner(root, jobs).run([Stage(*one) for one in stages])
    if failed:
        sys.exit(f'{", ".join(failed)} failed (see above); the same '
                 'command goes on from here')


def _run(results: Connection, function: Callable, *args) -> None:
    """Call it, then send the peak memory of this process and its own."""
    try:
        function(*args)
    finally:
        results.send(sum(peak_memory(who) for who in (
            resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) >> 20)


def _received(results: Connection) -> int:
    """What a process sent; 0 if it was killed."""
    try:
        return results.recv() if results.poll() else 0
    except EOFError:
        return 0
    finally:
        results.close()
