"""Skips training steps whose loss or gradients are NaN or infinite."""
import os
import re

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook, LoggerHook
from torch import Tensor

from rcg.checkpoint import CheckpointError, find_checkpoint
from rcg.engine.finite import listed, non_finite, non_finite_parts
from rcg.engine.hooks.progress import ProgressHook
from rcg.engine.optim import StepGuard, is_between_steps, single_wrappers
from rcg.engine.skipped_steps import (
    Visited,
    count_skipped,
    describe,
    read_steps,
    row_began,
)
from rcg.engine.unwrapping import bare_model
from rcg.registry import HOOKS

_SHOWN = 3  # steps of an interval that the console names


@HOOKS.register_module()
class NonFiniteHook(Hook):
    """Skips steps whose loss or gradients are NaN or infinite.

    A skipped step changes neither weights nor optimizer nor average; see
    :class:`~rcg.engine.optim.StepGuard`. The learning rate goes on with its
    schedule. All processes skip together. With accumulated gradients one bad
    batch makes the whole step bad.

    Skipped steps and the positions of their samples are logged with the next
    line of the log, as the host waits for the device only then. On a CPU they
    are logged at once.

    A checkpoint that would hold NaN or infinity is not written.

    A GradScaler skips steps until its scale fits. They are counted, but they
    end the training only when the scale has fallen below 1. MMEngine's own
    ``OptimWrapper`` and ``AmpOptimWrapper`` look at gradients only, after
    they were clipped. MMEngine's ``EMAHook`` also averages after a skipped
    step, with the weights of the step before.

    Args:
        patience: Training ends with an error after as many skipped steps in
            a row; on a GPU with the next line of the log.

    Raises:
        ValueError: ``patience`` is below 1; or training has ended for one of
            the reasons above.

    Attributes:
        step_guard: What skips the steps; None outside of training, and if
            nothing is trained by steps.
    """

    priority = 'LOW'  # after the average, before checkpoints

    def __init__(self, patience: int = 10) -> None:
        if patience < 1:
            raise ValueError(f'patience must be at least 1, got {patience}.')
        self.patience = patience
        self.step_guard: StepGuard | None = None
        # Skipped steps: all, and the last ones in a row.
        self.total = self.in_a_row = 0
        # Iteration of the first step of that row, counted from 1.
        self._row_began = 0
        self._visited: list[Visited] = []
        # Constants of the model that hold infinities, such as a mask.
        self._constants: list[str] = []

    def before_train(self, runner) -> None:
        """Watch the optimizers, and go on with the counts of the run."""
        self._release()
        hub, model = runner.message_hub, bare_model(runner)
        self.total = hub.get_info('skipped_steps', 0)
        self.in_a_row = hub.get_info('skipped_in_a_row', 0)
        self._visited, self._row_began = [], runner.iter + 1
        self._constants = non_finite(dict(model.named_buffers()))
        self._interval = min(
            [hook.interval for hook in runner.hooks
             if isinstance(hook, (ProgressHook, LoggerHook))], default=50)
        wrappers = list(single_wrappers(runner.optim_wrapper).values())
        if wrappers:
            self.step_guard = StepGuard(wrappers, model)
            self.step_guard.skipped.fill_(min(self.in_a_row, 1))
            if self.step_guard.skipped.device.type == 'cpu':
                self._interval = 1  # nothing to wait for

    def after_train_iter(self, runner, batch_idx: int, data_batch=None,
                         outputs: dict | None = None) -> None:
        """Note an iteration; report those since the last line of the log."""
        if self.step_guard is None:
            return
        skipped = None
        if is_between_steps(runner.optim_wrapper):
            skipped = self.step_guard.finish(runner.iter)
        batch = data_batch if isinstance(data_batch, dict) else {}
        loss = (outputs or {}).get('loss')
        if not isinstance(loss, Tensor):
            loss = self.step_guard.skipped.new_zeros(())
        self._visited.append(Visited(
            runner.iter + 1, batch.get('keys'), batch.get('indices'),
            loss.detach(), skipped))
        if (self.every_n_train_iters(runner, self._interval)
                or self.is_last_train_iter(runner)):
            self._report(runner)

    def after_train(self, runner) -> None:
        """Report what is left, and leave the optimizers alone."""
        self._report(runner)
        self._release()

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Refuse NaN and infinity; keep the counts.

        Only the main process comes here: nothing may be gathered.
        """
        if bad := non_finite_parts(checkpoint, self._constants):
            raise ValueError(
                f'no checkpoint is written after iteration {runner.iter + 1}, '
                f'because it would hold NaN or infinity in {listed(bad)}. '
                f'The last good checkpoint is {_last_good(runner)}. Lower the '
                'learning rate, then go on with --resume.')
        steps, _ = read_steps(self._visited)
        total, in_a_row, _ = count_skipped(steps, self.in_a_row)
        if self._keep(runner, self.total + total, in_a_row):
            checkpoint['message_hub'] = runner.message_hub.state_dict()

    def _release(self) -> None:
        if self.step_guard is not None:
            self.step_guard.remove()
            self.step_guard = None

    def _report(self, runner) -> None:
        """Log what was skipped; end the training if it was too much."""
        steps, self._visited = read_steps(self._visited)
        self._row_began = row_began(steps, self.in_a_row, self._row_began)
        total, self.in_a_row, worst = count_skipped(steps, self.in_a_row)
        self.total += total
        self._keep(runner, self.total, self.in_a_row)
        if not total:
            return
        bad = [step for step in steps if step.skipped]
        for count, ranks in enumerate(zip(*all_gather_object(bad),
                                          strict=True)):
            whole = describe(list(ranks))
            brief = describe(list(ranks), in_brief=True)
            if count < _SHOWN:
                runner.logger.warning(brief)
            if count >= _SHOWN or whole != brief:
                runner.logger.info(whole)
        runner.logger.warning(
            f'skipped steps so far: {self.total}; the log file names the '
            f'samples of each. Training ends after {self.patience} in a row.')
        if worst >= self.patience and not _scale_may_fall(runner):
            raise ValueError(
                f'training ended at iteration {runner.iter + 1}: in {worst} '
                'steps in a row the loss or gradients were NaN or infinite. '
                'The last good checkpoint is '
                f'{_last_good(runner, self._row_began)}. Look at the samples '
                'that the log names, lower the learning rate, or clip '
                'gradients (optim_wrapper.clip_grad); then go on with '
                '--resume.')

    def _keep(self, runner, total: int, in_a_row: int) -> bool:
        """Give the counts to the message hub; return whether it has some."""
        if total:
            runner.message_hub.update_info('skipped_steps', total)
            runner.message_hub.update_info('skipped_in_a_row', in_a_row)
        return total > 0


def _scale_may_fall(runner) -> bool:
    """Whether a GradScaler has not fallen below 1; the host waits."""
    for wrapper in single_wrappers(runner.optim_wrapper).values():
        is_fixed = getattr(wrapper, '_scale_update_param', None) is not None
        if hasattr(wrapper, 'loss_scaler') and not is_fixed and (
                wrapper.loss_scaler.get_scale() >= 1):
            return True
    return False


def _last_good(runner, before: int | None = None) -> str:
    """The newest checkpoint of a run, or before an iteration, in words."""
    names = runner.message_hub.get_info('kept_checkpoints', [])
    paths = [os.path.join(runner.work_dir, name) for name in names
             if before and int(re.sub(r'\D', '', name) or 0) < before]
    if paths and os.path.isfile(paths[-1]):
        return f"'{paths[-1]}'; it is untouched"
    try:
        return f"'{find_checkpoint(runner.work_dir)}'; it is untouched"
    except (FileNotFoundError, CheckpointError):
        return 'not there: none was saved'
