"""An average of the weights that costs what the trainable weights cost."""
import contextlib
import copy
from collections.abc import Iterator, Sequence

import torch
from mmengine.hooks import Hook
from torch import Tensor, nn

from rcg.checkpoint import load_state_dict
from rcg.engine.optim import single_wrappers
from rcg.engine.unwrapping import bare_model
from rcg.registry import HOOKS, MODELS


@MODELS.register_module()
class TrainableEMA(nn.Module):
    """Exponential moving average of the trainable parameters.

    Frozen parameters are shared with the model; buffers (statistics of batch
    norm) are copied, not averaged.

    Args:
        model: The model to average; the average starts as its copy.
        decay: Weight of the old average, in [0, 1).
        warmup: Use ``min(decay, (1 + n) / (10 + n))`` at update n = 1, 2,
            ..., as the published RDM does, to forget the random start.
        only: First parts of the names of those to average; all by default.

    Raises:
        ValueError: ``decay`` is out of range, or ``only`` fits no name.
    """

    def __init__(self, model: nn.Module, decay: float = .9999,
                 warmup: bool = True, only: Sequence[str] = ()) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise ValueError(f'decay must be in [0, 1), got {decay}.')
        shared = {id(p): p for p in model.parameters() if not p.requires_grad}
        self.module = copy.deepcopy(model, shared).requires_grad_(False)
        self.decay, self.warmup = decay, warmup
        self.register_buffer('steps', torch.zeros((), dtype=torch.long))
        self.num_updates = 0  # mirrors `steps`; reading that would sync
        averaged = dict(self.module.named_parameters())
        self.avg_parameters = {
            name: averaged[name] for name, p in model.named_parameters()
            if p.requires_grad and (not only or name.startswith(tuple(only)))}
        if only and not self.avg_parameters:
            raise ValueError(f'only={list(only)} fits no trainable parameter '
                             f'of {type(model).__name__}.')

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Move the average towards ``model``; call once per step."""
        self.num_updates += 1
        self.steps.fill_(self.num_updates)
        n, decay = self.num_updates, self.decay
        if self.warmup:
            decay = min(decay, (1 + n) / (10 + n))
        torch._foreach_lerp_(*self._pairs(model), 1 - decay)
        for ours, theirs in zip(self.module.buffers(), model.buffers(),
                                strict=True):
            if ours is not theirs:
                ours.copy_(theirs)

    @torch.no_grad()
    def swap(self, model: nn.Module) -> None:
        """Exchange the averaged and the trained parameters in place."""
        for ours, theirs in zip(*self._pairs(model), strict=True):
            kept = ours.clone()
            ours.copy_(theirs)
            theirs.copy_(kept)

    def _pairs(self, model: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
        source = dict(model.named_parameters())
        return (list(self.avg_parameters.values()),
                [source[name].detach() for name in self.avg_parameters])

    def load_state_dict(self, *args, **kwargs):
        """Load, and take over the number of updates."""
        result = super().load_state_dict(*args, **kwargs)
        self.num_updates = int(self.steps)
        return result


@HOOKS.register_module()
class TrainableEMAHook(Hook):
    """Keeps an average of the trainable weights and evaluates with it.

    Checkpoints have MMEngine's layout: ``state_dict`` holds the averaged
    weights, ready for use, ``ema_state_dict`` the trained ones.

    Args:
        decay, warmup, only: See :class:`TrainableEMA`.
        before_step: Take the weights before each (micro-)batch, not after
            each step: the published RDM's average lacks the last step.

    Attributes:
        ema_model: The average; None when nothing is trained.
    """

    def __init__(self, decay: float = .9999, warmup: bool = True,
                 only: Sequence[str] = (), before_step: bool = False) -> None:
        self.options = dict(decay=decay, warmup=warmup, only=only)
        self.before_step = before_step
        self.ema_model, self._resumed = None, False

    def _build(self, runner) -> None:
        self.source = bare_model(runner)
        self.ema_model = TrainableEMA(self.source, **self.options)

    def before_train(self, runner) -> None:
        if not self._resumed:  # the model has its initial weights by now
            self._build(runner)

    def before_train_iter(self, runner, **kwargs) -> None:
        if self.before_step:
            self.ema_model.update_parameters(self.source)

    def after_train_iter(self, runner, **kwargs) -> None:
        if not self.before_step and any(
                wrapper.should_update() for wrapper in
                single_wrappers(runner.optim_wrapper).values()):
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
        checkpoint['ema_state_dict'] = self.ema_model.state_dict()
        self._exchange(checkpoint)

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        if runner._resume and 'ema_state_dict' in checkpoint:
            self._build(runner)
            self._exchange(checkpoint)
            load_state_dict(self.ema_model, checkpoint['ema_state_dict'],
                            'ema_state_dict')
            self._resumed = True

    def _exchange(self, checkpoint: dict) -> None:
        state, average = checkpoint['state_dict'], checkpoint['ema_state_dict']
        for name in self.ema_model.avg_parameters:
            theirs = f'module.{name}'
            if name in state and theirs in average:
                state[name], average[theirs] = average[theirs], state[name]
