"""Lines of progress, and values for the visualizer."""
import math
import resource
import sys
import time
from collections.abc import Sequence
from functools import partial

import torch
from mmengine.dist import get_world_size
from mmengine.hooks import Hook, RuntimeInfoHook

from rcg.engine.console import draw, log
from rcg.engine.naming import stage_name
from rcg.engine.parameters import in_words, trained_and_frozen
from rcg.engine.running_means import RunningMeans, logged_values
from rcg.engine.timed_lines import SECONDS, TimedLines, show, time_left
from rcg.engine.unwrapping import bare_model
from rcg.registry import HOOKS


@HOOKS.register_module()
class ProgressHook(Hook):
    """Logs values of training, metrics and progress.

    The first line says how many parameters are trained. Others have the stage,
    the iteration, losses, iterations and images a second, peak memory (of the
    GPU, else of the process), the last score and the time left. Values are
    means over the processes and over the iterations since the last line. They
    also go to all backends of the visualizer, with the images (``samples``)
    and epochs (``epoch``) that all processes saw.

    Between these lines there are short ones, without values, which would have
    to be fetched from the device: after the first iteration of a start, then
    by time, until the first line with values, and once a minute later.
    Validations and tests have such lines, too. On a terminal lines of
    progress replace each other, several times a second.

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
        # Of the last line with values, and of the last evaluation.
        self._values, self._score = [], []

    def before_train(self, runner) -> None:
        self._started = self._line_at = time.perf_counter()
        self._short = TimedLines(self.seconds)
        self._first = self._line_iter = runner.iter
        trained, frozen = trained_and_frozen(bare_model(runner))
        log(runner, f'parameters: {in_words(trained)} trained'
            + (f'; {in_words(frozen)} frozen' if frozen else ''))
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
            log(runner, self._short_line(runner, done),
                done / runner.max_iters)
        else:
            draw(runner, partial(self._short_line, runner, done,
                                 self._values), done / runner.max_iters)

    def _short_line(self, runner, done: int, values: Sequence[str] = ()
                    ) -> str:
        """A line without new values: nothing waits for the device."""
        spent, count = time.perf_counter() - self._started, done - self._first
        rest = [*_speed(runner, count / max(spent, 1e-9)),
                *([_memory()] if values else ()), *self._score,
                time_left(spent / count * (runner.max_iters - done))]
        if count == 1:  # a first one is slower than others
            rest = [f'first iteration after {spent:.1f} s']
        return '  '.join([_place(runner, done), *values, *rest])

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
        self._values = [*shown, f'lr {tags["lr"]:.3g}']
        log(runner, '  '.join([
            _place(runner, done), *self._values, *_speed(runner, rate),
            _memory(), *self._score, time_left(left)]),
            done / runner.max_iters)

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
        if done < len(loader):
            show(runner, self._evaluation,
                 f'{stage_name(runner)}  {phase} {done}/{len(loader)} batches',
                 done, len(loader))

    def after_val_epoch(self, runner, metrics: dict | None = None,
                        phase: str = 'validation') -> None:
        scalars = {name: float(value) for name, value in
                   (metrics or {}).items() if isinstance(value, (int, float))}
        if scalars:
            # runner.iter would build the training data.
            step = getattr(runner._train_loop, 'iter', 0)
            runner.visualizer.add_scalars(scalars, step=step)
            self._score = [f'{name} {value:.4g}' for name, value in
                           _best_first(runner, scalars)][:1]
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
    # Not 'samples': that is a picture, and W&B has one space for both.
    return dict(samples_seen=samples, epoch=samples / len(loader.dataset))


def _place(runner, done: int) -> str:
    """The stage, and the iterations of all."""
    width = len(str(runner.max_iters))
    return f'{stage_name(runner)}  {done:{width}}/{runner.max_iters}'


def _speed(runner, rate: float) -> list[str]:
    """Iterations a second, and images of all processes if that is known."""
    found = [f'{rate:.3g} it/s']
    size = getattr(runner.train_dataloader, 'batch_size', None)
    if size:
        found.append(f'{rate * size * get_world_size():,.0f} images/s')
    return found


def _memory() -> str:
    """Peak memory of the GPU, else of this process; waits for no device."""
    if torch.cuda.is_available():
        count = torch.cuda.max_memory_allocated()
    else:
        unit = 1 if sys.platform == 'darwin' else 1024
        count = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return f'{count / 1e9:.3g} GB'


def _best_first(runner, scores: dict[str, float]) -> list[tuple[str, float]]:
    """Scores by name; first the one that ``save_best`` waits for, if any."""
    wanted = [getattr(hook, 'save_best', None) for hook in runner.hooks]
    wanted = [name for one in wanted if one for name in (
        [one] if isinstance(one, str) else one)]
    return sorted(scores.items(), key=lambda score: score[0] not in wanted)
