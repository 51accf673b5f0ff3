"""Training and tests that a signal stops, and that go on later."""
import contextlib
import math
from collections.abc import Callable

from mmengine.config import Config
from mmengine.dist import is_distributed
from mmengine.hooks import CheckpointHook, EMAHook, Hook
from mmengine.runner import EpochBasedTrainLoop
from torch.utils.data import DataLoader

from rcg.engine.console import log
from rcg.engine.hooks.checkpoint import PlainCheckpointHook
from rcg.engine.hooks.ema import TrainableEMAHook
from rcg.engine.optim import single_wrappers
from rcg.engine.processes import signals, watch
from rcg.engine.processes.stopping import get_on, leave, must_stop
from rcg.registry import HOOKS


@HOOKS.register_module()
class StopOnSignalHook(Hook):
    """Finishes the step and saves when a signal asks to stop.

    The signals are SIGTERM, SIGUSR1, SIGHUP and SIGINT. On several processes
    one of them suffices, to any process: all stop after the same step. A
    validation is left after its batch; the weights before it are saved,
    unless they are saved already. A test is left after its batch. The exit
    status is 75 (130 after SIGINT), as
    :class:`~rcg.engine.processes.signals.Stopped` is raised. A second signal,
    a second or more after the first, ends the process at once.

    With gradient accumulation, a step is one of the optimizer. In a stock
    loop of epochs MMEngine's CheckpointHook saves whole epochs alone, so
    that the epoch that was begun is lost.

    Args:
        limit: Seconds from the signal to the end of the process, whatever
            it does then. torchrun kills 30 seconds after it was asked to
            stop, unless it is told otherwise.
    """

    priority = 'LOWEST'  # a step is finished when all hooks are

    def __init__(self, limit: float = signals.LIMIT) -> None:
        if limit <= 0:
            raise ValueError('limit must be more than 0 seconds, got '
                             f'{limit}.')
        self.limit = limit
        self._contexts = contextlib.ExitStack()
        self._deferral = contextlib.ExitStack()

    def before_run(self, runner) -> None:
        self._contexts.enter_context(signals.listening())
        signals.set_limit(self.limit)
        if is_distributed():
            watch.start_in_group(_timeout_of(runner.cfg))

    def after_run(self, runner) -> None:
        self._end_deferral()
        self._contexts.close()

    def before_train_epoch(self, runner) -> None:
        _calm_workers(runner.train_dataloader)
        self._defer(stepping=True)
        if must_stop(runner.iter):
            leave('no step was begun')

    def before_val_epoch(self, runner) -> None:
        _calm_workers(runner.val_dataloader)

    def before_test_epoch(self, runner) -> None:
        _calm_workers(runner.test_dataloader)
        self._defer()
        if signals.requested():
            leave('no batch was begun')

    def after_train(self, runner) -> None:
        self._end_deferral()

    def after_test_epoch(self, runner, metrics: dict | None = None) -> None:
        self._end_deferral()

    def _defer(self, stepping: bool = False) -> None:
        self._end_deferral()
        self._deferral.enter_context(signals.deferred())
        if watch.current() is not None:
            watch.current().is_stepping = stepping

    def _end_deferral(self) -> None:
        self._deferral.close()
        if watch.current() is not None:
            watch.current().is_stepping = False

    def before_train_iter(self, runner, **kwargs) -> None:
        get_on(f'in step {runner.iter + 1}')

    def after_train_iter(self, runner, **kwargs) -> None:
        done = runner.iter + 1
        get_on(f'after step {done}')
        if done < runner.max_iters and must_stop(done, _batches_a_step(
                runner)):
            self._save(runner, done)

    def after_val_iter(self, runner, batch_idx: int, **kwargs) -> None:
        get_on(f'in validation after batch {batch_idx + 1}')
        if _is_training(runner) and signals.requested() and must_stop(
                runner.iter, _batches_a_step(runner)):
            for hook in runner.hooks:  # the trained weights are put back
                if isinstance(hook, (TrainableEMAHook, EMAHook)):
                    hook.after_val_epoch(runner)
            self._save(runner, runner.iter)

    def after_test_iter(self, runner, batch_idx: int, **kwargs) -> None:
        get_on(f'in the test after batch {batch_idx + 1}')
        if signals.requested():
            kept = [hook.keep_finished() for hook in runner.hooks
                    if hasattr(hook, 'keep_finished')]
            leave('finished batches are kept' if any(kept) else
                  'this test keeps no state')
        if batch_idx + 1 == len(runner.test_dataloader):
            self._end_deferral()  # what follows has no parts to be kept

    def _save(self, runner, iteration: int) -> None:
        """Save, unless this iteration has been saved; stop."""
        log(runner, f'{signals.name_of(signals.requested())}: stopping after '
                    f'iteration {iteration}')
        kept = f'iteration {iteration} is saved'
        for hook in runner.hooks:
            if isinstance(hook, PlainCheckpointHook):
                newest = runner.message_hub.get_info('kept_checkpoints', [])
                if newest[-1:] != [f'iter_{iteration}.pth']:
                    hook._save(runner, iteration)
                break
            if isinstance(hook, CheckpointHook) and not hook.by_epoch and (
                    runner.iter + 1 == iteration):
                if not hook.every_n_train_iters(runner, hook.interval):
                    hook._save_checkpoint(runner)
                break
        else:
            kept = 'no checkpoint was written after the last regular one'
        leave(kept)


class _Calm:
    """Initializes a worker of a data loader that leaves signals to us."""

    def __init__(self, then: Callable[[int], None] | None) -> None:
        self.then = then

    def __call__(self, worker: int) -> None:
        signals.work_on()  # now: torch has just installed handlers
        if self.then is not None:
            self.then(worker)


def _calm_workers(loader: DataLoader) -> None:
    if not isinstance(loader.worker_init_fn, _Calm):
        loader.worker_init_fn = _Calm(loader.worker_init_fn)


def _timeout_of(cfg: Config) -> float:
    env = cfg.get('env_cfg') or {}
    return (env.get('dist_cfg') or {}).get('timeout', watch.TIMEOUT)


def _batches_a_step(runner) -> int:
    """Batches after which no optimizer holds part of a step."""
    return math.lcm(*(wrapper._accumulative_counts for wrapper in
                      single_wrappers(runner.optim_wrapper).values()))


def _is_training(runner) -> bool:
    loop = runner._train_loop
    return hasattr(loop, 'iter') and not isinstance(loop, EpochBasedTrainLoop)
