"""A test run that was interrupted goes on, on any number of processes."""
import contextlib
import os
import secrets
import time

import torch
from mmengine.dist import all_reduce, barrier, is_main_process
from mmengine.hooks import Hook

from rcg.checkpoint import save_atomically
from rcg.engine.console import log
from rcg.engine.distributed import on_first_process
from rcg.engine.folder_lock import LOCK, claim
from rcg.engine.hooks.save_images import SaveImagesHook
from rcg.engine.test_states import (
    ResumableMetric,
    read_states,
    remove_states,
    run_key,
)


class ResumableTestHook(Hook):
    """Keeps what a test run has done in ``<work_dir>/test_state/<key>/``.

    The key is a hash of all that determines the scores. Each process writes
    files of its own. First comes ``rows-*``, with what is new in metrics that
    keep a row a sample. Then, in one atomic step, comes ``state-*``, with the
    numbers of its finished batches, the sums of the other metrics, and the
    names of the files with rows. At the start the first process takes over
    all intact states, and its next state replaces them. What a damaged state
    holds is done again.

    All this needs a SeedBatchSampler, a dataset that tells ``num_images``,
    and metrics that are all :class:`ResumableMetric`. Any other run logs that
    it cannot be resumed.

    Args:
        seconds: Least time between two states of a process; the last batch
            of a process is always followed by one.
        restart: Remove an earlier state instead of going on with it.

    Attributes:
        generated: Samples of this session and process; after the test, of
            all processes.
        spent: Seconds of this session.
    """
    priority = 'VERY_LOW'  # after all that is made of a batch

    def __init__(self, seconds: float = 60., restart: bool = False) -> None:
        self.seconds, self.restart, self.folder = seconds, restart, None

    def before_test(self, runner) -> None:
        self._begun = self._written = time.monotonic()
        self.generated, self.spent = 0, 0.
        self.metrics = runner.test_loop.evaluator.metrics
        self.sampler = runner.test_dataloader.batch_sampler
        run = on_first_process(lambda: self._claim_images(runner))
        if not self._is_resumable():
            log(runner, 'if this run is interrupted, it will begin anew: its '
                        'sampler or a metric keeps no state')
            return
        self._start_files()
        self.folder = os.path.join(runner.work_dir, 'test_state', run)
        # Another test in the work folder has a folder of its own, unless it
        # is the same test.
        self._lock = claim(os.path.join(self.folder, LOCK), 'tests',
                           lambda text: log(runner, text), again=True)
        done = on_first_process(lambda: self._begin(runner))
        self.sampler.done = set(done)
        self._mine = self.sampler.batches()
        if done:
            log(runner, f'{len(done)} of {self.sampler.num_batches} batches '
                        'were done before (--restart forgets them)')

    def _claim_images(self, runner) -> str:
        """Key of this run, which owns the images that it will save."""
        run = run_key(runner)
        for hook in runner.hooks:
            if isinstance(hook, SaveImagesHook):
                hook.claim(run)
        return run

    def _begin(self, runner) -> list[int]:
        """Numbers of the batches that are done."""
        if self.restart:
            remove_states(self.folder)
        return self._take_over(runner, self.folder)

    def _is_resumable(self) -> bool:
        return hasattr(self.sampler, 'done') and all(
            isinstance(metric, ResumableMetric) and metric.size is not None
            for metric in self.metrics)

    def _start_files(self) -> None:
        self._name = secrets.token_hex(8)
        self._done, self._files, self._replaced = [], [], []
        # Batches in files, by metric.
        self._num_kept = [len(metric.results) for metric in self.metrics]

    def _take_over(self, runner, folder: str) -> list[int]:
        """Give the metrics all intact states of earlier sessions.

        Returns:
            Numbers of the batches that are done.
        """
        states = read_states(folder, runner.logger.warning)
        self._replaced = list(states)
        states = [state for state in states.values()
                  if self._has_images(runner, state['done'])]
        for state in states:
            self._files += state['files']
            self._done += state['done']
        sums = [state['sums'] for state in states]
        rows = [part for state in states for part in state['rows']]
        for i, metric in enumerate(self.metrics):
            source = sums if metric.cumulative else rows
            metric.load_state([part[i] for part in source if i in part])
            self._num_kept[i] = len(metric.results)
        return self._done

    def _has_images(self, runner, done: list[int]) -> bool:
        """Whether the images of these batches are there, if they are kept."""
        total, size = len(runner.test_dataloader.dataset), (
            self.sampler.batch_size)
        indices = [index for batch in done for index in
                   range(batch * size, min((batch + 1) * size, total))]
        for hook in runner.hooks:
            if isinstance(hook, SaveImagesHook):
                bad = next((index for index in indices
                            if not hook.has(index)), None)
                if bad is not None:
                    runner.logger.warning(
                        f"'{hook.path(bad)}' of an interrupted test is "
                        'missing or damaged: what was done with it is done '
                        'again')
                    return False
        return True

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

    def keep_finished(self) -> bool:
        """Write the state now; whether the test keeps one."""
        if self.folder is None:
            return False
        if self._done:
            self._write()
        return True

    def after_test_epoch(self, runner, metrics: dict | None = None) -> None:
        generated = torch.tensor(self.generated)
        all_reduce(generated)
        self.generated = int(generated)

    def _write(self) -> None:
        # The first process may have made it on another machine.
        os.makedirs(self.folder, exist_ok=True)
        sums, rows = {}, {}
        for i, metric in enumerate(self.metrics):
            if metric.cumulative:
                sums[i] = metric.state()
            else:
                rows[i] = metric.state(self._num_kept[i])
                self._num_kept[i] = len(metric.results)
        if rows:
            name = f'rows-{self._name}-{len(self._files)}.pt'
            save_atomically(rows, os.path.join(self.folder, name))
            self._files.append(name)
        save_atomically(
            dict(done=self._done, sums=sums, files=self._files,
                 replaces=self._replaced),
            os.path.join(self.folder, f'state-{self._name}.pt'))
        # A process that dies in this loop leaves some. They are ignored, as
        # the new state says that it replaces them.
        for name in self._replaced:
            with contextlib.suppress(FileNotFoundError):
                os.remove(os.path.join(self.folder, name))
        self._written = time.monotonic()

    def clear(self) -> None:
        """Remove the state: the scores are safe now. All must call it."""
        if self.folder is None:
            return
        barrier()
        if is_main_process():
            remove_states(self.folder)
            self._lock.release()
            for folder in (self.folder, os.path.dirname(self.folder)):
                with contextlib.suppress(OSError):  # states of other runs
                    os.rmdir(folder)
