"""A test run that dies goes on, on any number of processes."""
import contextlib
import os
import secrets
import shutil
import time

import torch
from mmengine.dist import (
    all_reduce,
    barrier,
    broadcast_object_list,
    is_main_process,
)
from mmengine.hooks import Hook

from rcg.checkpoint import read_checkpoint, save_atomically
from rcg.engine.console import log
from rcg.engine.hooks.save_images import SaveImagesHook
from rcg.engine.test_states import read_states, run_key


class ResumableTestHook(Hook):
    """Keeps what a test run has done in ``<work_dir>/test_state/<key>/``.

    The key is a hash of all that determines the scores. Each process writes
    files of its own: ``rows-*`` with what is new, for metrics that keep a row
    a sample, and then, in one atomic step, ``state-*`` with the numbers of
    its finished batches, the sums of the other metrics, and the names of the
    files with rows. At the start the first process takes over all states,
    and its next state replaces them. That needs a SeedBatchSampler, a dataset
    that tells ``num_images``, and no metrics but SampleMetrics; any other run
    says that it cannot be resumed.

    Args:
        seconds: Least time between two states of a process; the last batch
            of a process is always followed by one.
        restart: Remove an earlier state instead of going on with it.

    Attributes:
        generated, spent: Samples of this session (after it, those of all
            processes), and its seconds.
    """
    priority = 'VERY_LOW'  # after all that is made of a batch

    def __init__(self, seconds: float = 60., restart: bool = False) -> None:
        self.seconds, self.restart, self.folder = seconds, restart, None

    def before_test(self, runner) -> None:
        self._begun = self._written = time.monotonic()
        self.generated, self.spent = 0, 0.
        self.metrics = runner.test_loop.evaluator.metrics
        self.sampler = runner.test_dataloader.batch_sampler
        run = run_key(runner) if is_main_process() else None
        for hook in runner.hooks if is_main_process() else ():
            if isinstance(hook, SaveImagesHook):
                hook.claim(run)
        if not (hasattr(self.sampler, 'done') and all(
                getattr(m, 'size', None) is not None for m in self.metrics)):
            log(runner, 'if this run is interrupted, it will begin anew: its '
                        'sampler or a metric keeps no state')
            return
        found = [None, None]
        if is_main_process():
            folder = os.path.join(runner.work_dir, 'test_state', run)
            if self.restart:
                shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder, exist_ok=True)
            found = [folder, self._take_over(folder)]
        else:
            self._start_files()
        broadcast_object_list(found)
        self.folder, done = found
        self.sampler.done = set(done)
        self._mine = self.sampler.batches()
        if done:
            log(runner, f'{len(done)} of {self.sampler.num_batches} batches '
                        'were done before (--restart forgets them)')

    def _start_files(self) -> None:
        self._name = secrets.token_hex(8)
        self._done, self._files, self._replaced = [], [], []
        self._kept = [len(metric.results) for metric in self.metrics]

    def _take_over(self, folder: str) -> list[int]:
        """Give the metrics all states of earlier sessions."""
        states = read_states(folder)
        files = sum((state['files'] for state in states.values()), [])
        rows = [read_checkpoint(os.path.join(folder, name)) for name in files]
        for i, metric in enumerate(self.metrics):
            source = ([state['sums'] for state in states.values()]
                      if metric.cumulative else rows)
            metric.load_state([part[i] for part in source if i in part])
        self._start_files()
        self._files, self._replaced = files, list(states)
        self._done = sum((state['done'] for state in states.values()), [])
        return self._done

    def after_test_iter(self, runner, batch_idx: int, data_batch=None,
                        outputs=None) -> None:
        now = time.monotonic()
        self.generated += len(outputs)
        self.spent = now - self._begun
        if self.folder is None:
            return
        self._done.append(self._mine[batch_idx])
        if (now - self._written >= self.seconds
                or batch_idx + 1 == len(self._mine)):
            self._write()
            self._written = time.monotonic()

    def after_test_epoch(self, runner, metrics: dict | None = None) -> None:
        generated = torch.tensor(self.generated)
        all_reduce(generated)
        self.generated = int(generated)

    def _write(self) -> None:
        os.makedirs(self.folder, exist_ok=True)  # of another machine
        sums, rows = {}, {}
        for i, metric in enumerate(self.metrics):
            if metric.cumulative:
                sums[i] = metric.state()
            else:
                rows[i] = metric.state(self._kept[i])
                self._kept[i] = len(metric.results)
        if rows:
            name = f'rows-{self._name}-{len(self._files)}.pt'
            save_atomically(rows, os.path.join(self.folder, name))
            self._files.append(name)
        save_atomically(
            dict(done=self._done, sums=sums, files=self._files,
                 replaces=self._replaced),
            os.path.join(self.folder, f'state-{self._name}.pt'))
        for name in self._replaced:  # what is left of them is known as stale
            if os.path.exists(path := os.path.join(self.folder, name)):
                os.remove(path)

    def clear(self) -> None:
        """Remove the state: the scores are safe now. All must call it."""
        if self.folder is not None:
            barrier()
            if is_main_process():
                shutil.rmtree(self.folder, ignore_errors=True)
                with contextlib.suppress(OSError):  # states of other runs
                    os.rmdir(os.path.dirname(self.folder))
