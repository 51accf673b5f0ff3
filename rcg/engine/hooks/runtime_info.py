"""Where a run is, for whoever asks MMEngine's message hub."""
import math

from mmengine.hooks import IterTimerHook, LoggerHook, RuntimeInfoHook
from torch import Tensor

from rcg.engine.allocator import keep_freed_memory
from rcg.engine.running_means import logged_values
from rcg.precision import set_float32
from rcg.registry import HOOKS


@HOOKS.register_module()
class LightRuntimeInfoHook(RuntimeInfoHook):
    """MMEngine's hook, which does not wait for the device in each iteration.

    The base class fetches every logged value in every iteration, and keeps up
    to a million values per name in each checkpoint. Here
    :class:`~rcg.engine.ProgressHook` records means instead.

    If the run has a LoggerHook of MMEngine's, the message hub gets all that
    the base class gives it, and gradient norms. Values wait on the device
    until the LoggerHook writes a line. An IterTimerHook is added if there is
    none, because the lines hold its times.

    A stock Runner neither sets ``env_cfg.float32`` nor understands a schedule
    in shares of the run. The hook sets the former and refuses the latter. It
    also calls :func:`~rcg.engine.allocator.keep_freed_memory`.

    Attributes:
        records_values: Whether the run has a LoggerHook.
    """

    records_values = False

    def before_run(self, runner) -> None:
        keep_freed_memory()
        precision = (runner.cfg.get('env_cfg') or {}).get('float32')
        if precision is not None:
            set_float32(precision)
        runner.message_hub.update_info_dict({
            'seed': runner.seed, 'experiment_name': runner.experiment_name})
        self.last_loop_stage = None
        self._loggers = [hook for hook in runner.hooks
                         if isinstance(hook, LoggerHook)]
        self.records_values = bool(self._loggers)
        # Values of the iterations since the last line.
        self._waiting: list[dict] = []
        if self._loggers and not any(isinstance(hook, IterTimerHook)
                                     for hook in runner.hooks):
            runner.register_hook(IterTimerHook())

    def before_train(self, runner) -> None:
        """Note the state that was resumed.

        Raises:
            ValueError: A schedule begins or ends at a share of the run.
        """
        for scheduler in _flat(runner.param_schedulers):
            for edge in ('begin', 'end'):
                share = getattr(scheduler, edge)
                if isinstance(share, float):
                    raise ValueError(
                        f'{edge}={share} of {type(scheduler).__name__} is a '
                        "share of the run, and only runner_type='RcgRunner' "
                        'turns it into iterations: use that, or give '
                        'iterations (an int).')
        super().before_train(runner)

    def before_train_iter(self, runner, batch_idx: int, **kwargs) -> None:
        if self.records_values:
            super().before_train_iter(runner, batch_idx, **kwargs)
        else:
            runner.message_hub.update_info('iter', runner.iter)

    def after_train_iter(self, runner, batch_idx: int,
                         outputs: dict | None = None, **kwargs) -> None:
        """Keep the values for the LoggerHook; see the class."""
        if not self.records_values:
            return
        values = logged_values(outputs, runner.optim_wrapper)
        self._waiting.append({
            name: value.detach() if isinstance(value, Tensor) else value
            for name, value in values.items()})
        if any(hook.every_n_inner_iters(batch_idx, hook.interval)
               or hook.end_of_epoch(runner.train_dataloader, batch_idx)
               for hook in self._loggers):
            self._record(runner)

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Bring the checkpoint's history of values up to date."""
        if self.records_values and self._waiting:
            self._record(runner)
            checkpoint['message_hub'] = runner.message_hub.state_dict()

    def _record(self, runner) -> None:
        """Fetch the waiting values; the host waits for the device here."""
        for values in self._waiting:
            for name, value in values.items():
                # The hub goes into checkpoints: no NaN, no infinity.
                if math.isfinite(value):
                    runner.message_hub.update_scalar(f'train/{name}', value)
        self._waiting.clear()


def _flat(schedulers) -> list:
    """The schedulers of one optimizer, or of all of several."""
    if isinstance(schedulers, dict):
        return [one for members in schedulers.values() for one in members]
    return schedulers or []
