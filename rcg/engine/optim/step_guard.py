"""Skips steps of optimizers whose gradients are NaN or infinite."""
import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.optim import OptimWrapper
from torch import Tensor, nn
from torch.optim import SGD, Adagrad, Adam, AdamW, Optimizer

from rcg.engine.buffers import changes_uncounted
from rcg.engine.optim.muon import MuonAdamW
from rcg.engine.shards import local


class StepGuard:
    """Skips a step of all optimizers of a model if a gradient is not finite.

    A skipped step leaves parameters, moments and step counts as they were; no
    weight decays. The gradients of all optimizers decide together, on all
    processes. Buffers of floating point, such as the statistics of batch
    norm, return to their values before the forward passes of the step.

    The fused optimizers of torch, and :class:`MuonAdamW`, read a flag on the
    device, as they read that of a GradScaler. Before a step of other
    optimizers, and before the first step of each parameter, the host waits
    for the flag. Then it deletes the gradients: every optimizer leaves a
    parameter without a gradient alone.

    Args:
        wrappers: The wrappers of the optimizers.
        model: The model that they train, without the wrapper of DDP.

    Attributes:
        skipped: 1 if the last step was skipped, otherwise 0; on the device.
    """

    def __init__(self, wrappers: list[OptimWrapper], model: nn.Module) -> None:
        self.wrappers = wrappers
        device = next(p.device for p in model.parameters())
        self.skipped = torch.zeros((), device=device)
        # 1 if the present step is bad, otherwise 0; None before it begins.
        self._flag: Tensor | None = None
        self._iteration: int | None = None
        # Optimizers that have not taken the present step.
        self._left: list[OptimWrapper] = []
        # Optimizers whose `found_inf` is ours, not a GradScaler's.
        self._flagged: set[Optimizer] = set()
        self._buffers = _Buffers(model)
        self._handles = [handle for wrapper in wrappers for handle in (
            wrapper.optimizer.register_step_pre_hook(
                lambda *_, wrapper=wrapper: self._before_step(wrapper)),
            wrapper.optimizer.register_step_post_hook(self._after_step))]

    def remove(self) -> None:
        """Leave the optimizers alone from now on."""
        for handle in self._handles:
            handle.remove()

    def finish(self, iteration: int) -> Tensor:
        """End the step that an iteration took; further calls do nothing.

        Returns:
            ``skipped``.
        """
        if iteration == self._iteration:
            return self.skipped
        self._iteration = iteration
        if self._flag is not None:
            self.skipped, self._flag = self._flag, None
        else:  # a GradScaler called no optimizer: it found an infinity
            scales = any(hasattr(wrapper, 'loss_scaler')
                         for wrapper in self.wrappers)
            self.skipped = torch.full_like(self.skipped, scales)
        self._buffers.restore(self.skipped > 0)
        return self.skipped

    def _before_step(self, wrapper: OptimWrapper) -> None:
        optimizer = wrapper.optimizer
        if self._flag is None:
            self._flag = torch.zeros_like(self.skipped)
            self._left = list(self.wrappers)
        flags = [self._flag, *_own_flags(wrapper)]
        self._left = [one for one in self._left if one is not wrapper]
        for other in self._left:
            flags += _flags(_gradients(other.optimizer))
        scaled = hasattr(optimizer, 'found_inf')
        if scaled:
            flags.append(optimizer.found_inf)
        self._flag = torch.stack(
            [flag.to(self._flag.device).view(()) for flag in flags]).amax()
        if get_world_size() > 1:
            all_reduce(self._flag, 'max')
        if scaled or _reads_flag(optimizer):
            optimizer.found_inf = self._flag
            if not scaled:
                self._flagged.add(optimizer)
        elif self._flag:  # the host waits for the device
            optimizer.zero_grad(set_to_none=True)

    def _after_step(self, optimizer: Optimizer, *_) -> None:
        if optimizer in self._flagged:
            self._flagged.remove(optimizer)
            del optimizer.found_inf


def step_guard(runner) -> StepGuard | None:
    """That of the :class:`NonFiniteHook` of a run, if it has one."""
    guards = (getattr(hook, 'step_guard', None) for hook in runner.hooks)
    return next((guard for guard in guards if guard is not None), None)


def just_skipped(runner) -> bool:
    """Whether the last step of a run was skipped; the host waits."""
    guard = step_guard(runner)
    return guard is not None and bool(guard.skipped)


class _Buffers:
    """Copies of the buffers of a model, to undo what forward passes changed.

    The version of a buffer says on the host whether it was changed, but for
    those of batch norm: see :func:`changes_uncounted`.
    """

    def __init__(self, model: nn.Module) -> None:
        self._always = {
            id(buffer) for module in model.modules()
            if changes_uncounted(module) for buffer in module.buffers()}
        self._kept = [(buffer, buffer.clone()) for buffer in model.buffers()
                      if buffer.is_floating_point()]
        self._versions = [buffer._version for buffer, _ in self._kept]

    @torch.no_grad()
    def restore(self, undo: Tensor) -> None:
        """Undo the changes since the last call if ``undo`` is True."""
        for i, (buffer, copy) in enumerate(self._kept):
            if (buffer._version != self._versions[i]
                    or id(buffer) in self._always):
                copy.copy_(torch.where(undo, copy, buffer))
                buffer.copy_(copy)
                self._versions[i] = buffer._version


def _gradients(optimizer: Optimizer) -> list[Tensor]:
    """Gradients of an optimizer, dense and real."""
    grads = [local(p.grad) for group in optimizer.param_groups
             for p in group['params'] if p.grad is not None]
    grads = [grad._values() if grad.is_sparse else grad for grad in grads]
    return [torch.view_as_real(grad) if grad.is_complex() else grad
            for grad in grads]


def _own_flags(wrapper: OptimWrapper) -> list[Tensor]:
    """1 for gradients that are not finite, before they were clipped."""
    norm = getattr(wrapper, 'unclipped_norm', None)
    if norm is None:
        return _flags(_gradients(wrapper.optimizer))
    return [norm.isfinite().logical_not().float()]


def _flags(grads: list[Tensor]) -> list[Tensor]:
    """1 for NaN or infinity, for each device and type of gradients."""
    groups: dict[tuple, list[Tensor]] = {}
    for grad in grads:
        groups.setdefault((grad.device, grad.dtype), []).append(grad)
    flags = []
    for (device, _), members in groups.items():
        flags.append(torch.zeros((), device=device))
        one = torch.ones((), device=device)
        # What a GradScaler calls. The gradients are multiplied by one.
        torch._amp_foreach_non_finite_check_and_unscale_(
            members, flags[-1], one)
    return flags


def _reads_flag(optimizer: Optimizer) -> bool:
    """Whether the next step can be skipped by a flag on the device.

    In their first step, momenta of SGD would be left uninitialized.
    """
    return (isinstance(optimizer, (Adam, AdamW, MuonAdamW, SGD, Adagrad))
            and all(group.get('fused') and all(
                p in optimizer.state for p in group['params']
                if p.grad is not None) for group in optimizer.param_groups))
