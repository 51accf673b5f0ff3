"""Averages the weights in training, and evaluates with the average."""
import contextlib
from collections.abc import Iterator, Sequence

from mmengine.hooks import Hook

from rcg.checkpoint import load_state_dict
from rcg.engine.ema import TrainableEMA
from rcg.engine.optim import is_between_steps, step_guard
from rcg.engine.shards import sharded_weights, whole
from rcg.engine.unwrapping import bare_model, is_flattened, refuse_shards
from rcg.registry import HOOKS


@HOOKS.register_module()
class TrainableEMAHook(Hook):
    """Keeps an average of the trainable weights and evaluates with it.

    The average is updated once for each step of the optimizer, however many
    batches the step accumulates. A step that :class:`NonFiniteHook` skips
    does not change it.

    Checkpoints have MMEngine's layout: ``state_dict`` holds the averaged
    weights, ready for use, ``ema_state_dict`` the trained ones.

    Args:
        decay, warmup, only: See :class:`TrainableEMA`.
        before_step: Update the average before each step instead of after
            it. The published RDM does so; its average lacks the last step.

    Attributes:
        ema_model: The average; None when nothing is trained.
    """

    changes_training = True

    def __init__(self, decay: float = .9999, warmup: bool = True,
                 only: Sequence[str] = (), before_step: bool = False) -> None:
        self.options = dict(decay=decay, warmup=warmup, only=only)
        self.before_step = before_step
        self.ema_model, self._resumed = None, False

    def _build(self, runner) -> None:
        if is_flattened(runner.model):
            refuse_shards(runner, 'TrainableEMAHook')
        self.source = bare_model(runner)
        self.ema_model = TrainableEMA(self.source, **self.options)

    def before_train(self, runner) -> None:
        # Not earlier: now the model has its initial weights.
        if not self._resumed:
            self._build(runner)

    def before_train_iter(self, runner, **kwargs) -> None:
        # No batch is accumulated yet: this is the first one of a step.
        if self.before_step and is_between_steps(runner.optim_wrapper):
            if guard := step_guard(runner):
                self.ema_model.skipped = guard.skipped
            self.ema_model.update_parameters(self.source)

    def after_train_iter(self, runner, **kwargs) -> None:
        if not self.before_step and is_between_steps(runner.optim_wrapper):
            if guard := step_guard(runner):
                self.ema_model.skipped = guard.finish(runner.iter)
            self.ema_model.update_parameters(self.source)

    @contextlib.contextmanager
    def averaged_weights(self) -> Iterator[None]:
        """Inside, the trained model has the averaged weights."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _swap(self, runner=None, **kwargs) -> None:
        if self.ema_model is not None:
            self.ema_model.swap(self.source)

    before_val_epoch = after_val_epoch = _swap
    before_test_epoch = after_test_epoch = _swap

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        if self.ema_model is None:  # before training: nothing to average yet
            return
        checkpoint['ema_state_dict'] = whole(self.ema_model.state_dict())
        self._exchange(checkpoint)

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        if runner._resume and 'ema_state_dict' in checkpoint:
            self._build(runner)
            self._exchange(checkpoint)
            load_state_dict(self.ema_model, sharded_weights(
                checkpoint['ema_state_dict'], self.ema_model.state_dict()),
                'ema_state_dict')
            self._resumed = True

    def _exchange(self, checkpoint: dict) -> None:
        """Swap averaged and trained weights between the two state dicts."""
        state, average = checkpoint['state_dict'], checkpoint['ema_state_dict']
        for name in self.ema_model.avg_parameters:
            theirs = f'module.{name}'
            if name in state and theirs in average:
                state[name], average[theirs] = average[theirs], state[name]
