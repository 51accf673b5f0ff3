"""Lines of progress, and values for the visualizer."""
import math
import time

import torch
from mmengine.dist import get_world_size
from mmengine.hooks import Hook, RuntimeInfoHook

from rcg.engine.console import log
from rcg.engine.naming import stage_name
from rcg.engine.running_means import RunningMeans, logged_values
from rcg.engine.timed_lines import SECONDS, TimedLines, time_left
from rcg.registry import HOOKS


@HOOKS.register_module()
class ProgressHook(Hook):
    """Logs values of training, metrics and progress.

    A line has the stage, the iteration, losses, iterations a second and the
    time left. Its values are means over the processes and over the iterations
    since the last line. They also go to all backends of the visualizer, with
    the images (``samples``) and epochs (``epoch``) that all processes saw.

    Between these lines there are short ones, without values, which would have
    to be fetched from the device: after the first iteration of a start, then
    by time, until the first line with values, and once a minute later.
    Validations and tests have such lines, too.

    Args:
        interval: Training iterations between lines with values.
        seconds: Least time between short lines.
    """

    priority = 'BELOW_NORMAL'

    def __init__(self, interval: int = 50,
                 seconds: float = SECONDS) -> None:
        if interval < 1:
            raise ValueError(f'interval must be at least 1, got {interval}.')
        self.interval, self.seconds = interval, seconds
        self.means = RunningMeans()
        # Times of the start and of the last line, without validations.
        self._started = self._line_at = 0.
        self._short = self._evaluation = TimedLines(seconds)
        self._has_validated = False

    def before_train(self, runner) -> None:
        self._started = self._line_at = time.perf_counter()
        self._short = TimedLines(self.seconds)
        self._first = self._line_iter = runner.iter
        kept = runner.message_hub.get_info('running_means')
        if kept is not None and kept['iter'] == runner.iter:
            self.means.load_state(kept)

    def keep_means(self, runner, iteration: int) -> None:
        """Let the next checkpoint hold the means since the last line.

        Args:
            iteration: That of the checkpoint. All processes call this.
        """
        runner.message_hub.update_info(
            'running_means', dict(self.means.state(), iter=iteration))

    def after_train_iter(self, runner, outputs: dict | None = None,
                         **kwargs) -> None:
        self.means.add(logged_values(outputs, runner.optim_wrapper))
        done = runner.iter + 1
        if done % self.interval == 0 or done == runner.max_iters:
            self._report(runner, done)
            self._short.seconds = max(60., self.seconds)
            self._short.skip()
        elif self._short.due():
            self._report_shortly(runner, done)

    def _report_shortly(self, runner, done: int) -> None:
        """A line without values: nothing waits for the device."""
        spent, count = time.perf_counter() - self._started, done - self._first
        rest = [f'{count / max(spent, 1e-9):.3g} it/s',
                time_left(spent / count * (runner.max_iters - done))]
        if count == 1:  # a first one is slower than others
            rest = [f'first iteration after {spent:.1f} s']
        log(runner, '  '.join([_place(runner, done), *rest]))

    def _report(self, runner, done: int) -> None:
        values = self.means.fetch()  # waits for the device, before timing
        now = time.perf_counter()
        rate = (done - self._line_iter) / max(now - self._line_at, 1e-9)
        self._line_at, self._line_iter = now, done
        per_iter = (now - self._started) / (done - self._first)
        left = per_iter * (runner.max_iters - done)
        tags = {**values, 'lr': _learning_rate(runner.optim_wrapper),
                'iterations_per_second': rate, 'iter': done,
                **_seen(runner, done)}
        if torch.cuda.is_available():
            tags['memory_mb'] = torch.cuda.max_memory_allocated() >> 20
        runner.visualizer.add_scalars(tags, step=done)
        if not _records_values(runner.hooks):
            for name, value in values.items():
                if math.isfinite(value):  # the hub goes into checkpoints
                    runner.message_hub.update_scalar(f'train/{name}', value)
        losses = [name for name in values if 'loss' in name]
        if len(losses) == 2:  # the total and its only term
            losses = ['loss']
        shown = [f'{name} {values[name]:.4g}' for name in
                 [*losses, 'grad_norm'] if name in values]
        log(runner, '  '.join([
            _place(runner, done), *shown, f'lr {tags["lr"]:.3g}',
            f'{rate:.3g} it/s', time_left(left)]))

    def before_val_epoch(self, runner) -> None:
        self._evaluation = TimedLines(self.seconds, not self._has_validated)
        self._has_validated = True

    def before_test_epoch(self, runner) -> None:
        self._evaluation = TimedLines(self.seconds)

    def _after_iter(self, runner, batch_idx: int, mode: str, **kwargs) -> None:
        """After each batch of validation and testing."""
        phase, loader = (('test', runner.test_dataloader) if mode == 'test'
                         else ('validation', runner.val_dataloader))
        done = batch_idx + 1
        if done < len(loader) and self._evaluation.due():
            log(runner, f'{stage_name(runner)}  {phase} '
                        f'{done}/{len(loader)} batches  '
                        f'{self._evaluation.left(done, len(loader))}')

    def after_val_epoch(self, runner, metrics: dict | None = None,
                        phase: str = 'validation') -> None:
        scalars = {name: float(value) for name, value in
                   (metrics or {}).items() if isinstance(value, (int, float))}
        if scalars:
            # runner.iter would build the training data.
            step = getattr(runner._train_loop, 'iter', 0)
            runner.visualizer.add_scalars(scalars, step=step)
            log(runner, '  '.join([stage_name(runner), phase, *(
                f'{name} {value:.4g}' for name, value in scalars.items())]))
        spent = time.perf_counter() - self._evaluation.started
        self._started += spent
        self._line_at += spent
        self._short.line_at += spent

    def after_test_epoch(self, runner, metrics: dict | None = None) -> None:
        self.after_val_epoch(runner, metrics, 'test')

    def after_train(self, runner) -> None:
        if runner.iter < runner.max_iters:  # EarlyStoppingHook
            log(runner, f'training stopped after {runner.iter} of '
                        f'{runner.max_iters} iterations; the log file says '
                        'why')

    def after_run(self, runner) -> None:
        runner.visualizer.close()


def _records_values(hooks: list[Hook]) -> bool:
    """Whether a hook gives the message hub the values of each iteration."""
    return any(getattr(hook, 'records_values', True) for hook in hooks
               if isinstance(hook, RuntimeInfoHook))


def _learning_rate(optim_wrapper) -> float:
    """That of the first group of the first optimizer."""
    rates = optim_wrapper.get_lr()
    return next(value[0] for name, value in rates.items()
                if name.endswith('lr') and not name.endswith('base_lr'))


def _seen(runner, done: int) -> dict[str, float]:
    """Images and epochs of all processes until now, if that is known.

    Over these, curves of runs of different batch sizes lie on each other.
    """
    loader = runner.train_dataloader
    if not loader.batch_size:  # a batch sampler decides
        return {}
    samples = done * loader.batch_size * get_world_size()
    return dict(samples=samples, epoch=samples / len(loader.dataset))


def _place(runner, done: int) -> str:
    """The stage, and the iterations of all."""
    width = len(str(runner.max_iters))
    return f'{stage_name(runner)}  {done:{width}}/{runner.max_iters}'
