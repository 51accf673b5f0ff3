"""An average of the trainable weights."""
import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rcg.engine.buffers import changes_uncounted
from rcg.engine.shards import is_shard, local
from rcg.registry import MODELS


@MODELS.register_module()
class TrainableEMA(nn.Module):
    """Exponential moving average of the trainable parameters.

    It takes the memory of the trainable weights alone: frozen parameters are
    shared with the model. Buffers, such as the statistics of batch norm, are
    copied, not averaged.

    Args:
        model: The model to average; the average starts as its copy.
        decay: Weight of the old average, in [0, 1).
        warmup: Use ``min(decay, (1 + n) / (10 + n))`` at update n = 1, 2,
            ..., to forget the random start. The published RDM does so.
        only: Average only parameters whose names start with one of these. If
            empty, all are averaged.

    Attributes:
        skipped: None, or on the device of the average 1 if the optimizer
            skipped the step before an update, otherwise 0. After a skipped
            step the average stays, and only the number of updates grows.

    Raises:
        ValueError: ``decay`` is out of range, or no name starts like ``only``.
    """

    def __init__(self, model: nn.Module, decay: float = .9999,
                 warmup: bool = True, only: Sequence[str] = ()) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise ValueError(f'decay must be in [0, 1), got {decay}.')
        shared = {id(p): p for p in model.parameters() if not p.requires_grad}
        # fully_shard makes modules that cannot be copied.
        sharded = any(map(is_shard, model.parameters()))
        self.module = (_tree(model, shared) if sharded else copy.deepcopy(
            model, shared).requires_grad_(False))
        self.decay, self.warmup = decay, warmup
        self.skipped: Tensor | None = None
        self.register_buffer('steps', torch.zeros((), dtype=torch.long))
        # The same as `steps`, to be read without waiting for the device.
        self.num_updates = 0
        self._source: _Source | None = None
        averaged = dict(self.module.named_parameters())
        self.avg_parameters = {
            name: averaged[name] for name, p in model.named_parameters()
            if p.requires_grad and (not only or name.startswith(tuple(only)))}
        if only and not self.avg_parameters:
            raise ValueError(f'only={list(only)} fits no trainable parameter '
                             f'of {type(model).__name__}.')

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Move the average towards ``model``; to be called once per step."""
        self.num_updates += 1
        self.steps.fill_(self.num_updates)
        n, decay = self.num_updates, self.decay
        if self.warmup:
            decay = min(decay, (1 + n) / (10 + n))
        source = self._source_of(model)
        ours, theirs = source.ours, source.theirs
        if self.skipped is None:
            torch._foreach_lerp_(ours, theirs, 1 - decay)
        else:
            weights = {dtype: (1 - self.skipped).to(dtype) * (1 - decay)
                       for dtype in {p.dtype for p in ours}}
            torch._foreach_lerp_(ours, theirs, [weights[p.dtype]
                                                for p in ours])
        source.copy_buffers()

    @torch.no_grad()
    def swap(self, model: nn.Module) -> None:
        """Exchange the averaged and the trained parameters in place."""
        source = self._source_of(model)
        for ours, theirs in zip(source.ours, source.theirs, strict=True):
            kept = ours.clone()
            ours.copy_(theirs)
            theirs.copy_(kept)

    def _source_of(self, model: nn.Module) -> '_Source':
        if self._source is None or self._source.model is not model:
            self._source = _Source(model, self.module, self.avg_parameters)
        return self._source

    def load_state_dict(self, *args, **kwargs):
        """Load the average and its number of updates."""
        result = super().load_state_dict(*args, **kwargs)
        self.num_updates = int(self.steps)
        self._source = None  # it knows what was copied before
        return result


class _Source:
    """The tensors of a model and those of its average, paired once.

    Args:
        model: The model.
        average: The model that is its average.
        averaged: Parameters of the average by name.

    Attributes:
        ours, theirs: Parameters of the average, and those of the model.
    """

    def __init__(self, model: nn.Module, average: nn.Module,
                 averaged: dict[str, Tensor]) -> None:
        self.model = model
        source = dict(model.named_parameters())
        self.ours = [local(value) for value in averaged.values()]
        self.theirs = [local(source[name]) for name in averaged]
        # By name, because a move to another device replaces buffers.
        self._buffers = [
            (ours, theirs, name) for ours, theirs in zip(
                average.modules(), model.modules(), strict=True)
            for name, buffer in theirs._buffers.items() if buffer is not None]
        self._copied: list[tuple | None] = [None] * len(self._buffers)

    def copy_buffers(self) -> None:
        """Copy the buffers that have changed since the last call."""
        ours, theirs = [], []
        for i, (target, module, name) in enumerate(self._buffers):
            buffer = module._buffers[name]
            state = (buffer, buffer._version)
            last = self._copied[i]
            if (last is None or last[0] is not buffer or last[1] != state[1]
                    or changes_uncounted(module)):
                self._copied[i] = state
                ours.append(target._buffers[name])
                theirs.append(buffer)
        if ours:
            torch._foreach_copy_(ours, theirs)


def _tree(model: nn.Module, copies: dict) -> nn.Module:
    """Modules that do nothing, with copies of a model's tensors and its names.

    Args:
        copies: By ``id``: what stands for a tensor or module already.
    """
    if id(model) in copies:
        return copies[id(model)]
    tree = copies[id(model)] = nn.Module()
    for name, p in model._parameters.items():
        if p is not None and id(p) not in copies:
            copies[id(p)] = nn.Parameter(p.detach().clone(), False)
        tree.register_parameter(name, None if p is None else copies[id(p)])
    for name, buffer in model._buffers.items():
        tree.register_buffer(
            name, None if buffer is None else buffer.clone(),
            name not in model._non_persistent_buffers_set)
    for name, child in model._modules.items():
        tree.add_module(name, None if child is None else _tree(child, copies))
    return tree
