"""An average of the weights that costs what the trainable weights cost."""
import copy
from collections.abc import Sequence

import torch
from mmengine.model import BaseAveragedModel
from torch import Tensor, nn

from rcg.registry import MODELS


@MODELS.register_module()
class TrainableEMA(BaseAveragedModel):
    """Exponential moving average of the trainable parameters.

    Parameters that are not trained are shared with the source model.
    Buffers (statistics of batch norm) are copied, not averaged.

    Args:
        model: The model to average; the average starts as its copy.
        decay: Weight of the old average, in [0, 1).
        warmup: Use ``min(decay, (1 + n) / (10 + n))`` at update n = 1, 2,
            ..., as the published RDM does, so that early averages forget
            the random start.
        only: First parts of the names of those to average; all by default.

    Raises:
        ValueError: ``decay`` is out of range, or nothing is called as
            ``only`` says.
    """

    def __init__(self, model: nn.Module, decay: float = .9999,
                 warmup: bool = True, only: Sequence[str] = ()) -> None:
        nn.Module.__init__(self)  # the base class would copy frozen weights
        if not 0 <= decay < 1:
            raise ValueError(f'decay must be in [0, 1), got {decay}.')
        shared = {id(p): p for p in model.parameters() if not p.requires_grad}
        self.module = copy.deepcopy(model, shared).requires_grad_(False)
        self.decay, self.warmup = decay, warmup
        self.interval, self.update_buffers = 1, False
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
        averaged, source = self._pairs(model)
        torch._foreach_lerp_(averaged, source, self.weight)
        self._copy_buffers(model)

    @torch.no_grad()
    def restart(self, model: nn.Module) -> None:
        """Make the average a copy of ``model`` that has seen no update."""
        averaged, source = self._pairs(model)
        torch._foreach_copy_(averaged, source)
        self._copy_buffers(model)
        self.num_updates = 0
        self.steps.zero_()

    @torch.no_grad()
    def swap(self, model: nn.Module) -> None:
        """Exchange the averaged and the trained parameters in place."""
        for ours, theirs in zip(*self._pairs(model), strict=True):
            kept = ours.clone()
            ours.copy_(theirs)
            theirs.copy_(kept)

    @property
    def weight(self) -> float:
        """Weight of the new parameters in the latest update."""
        n = self.num_updates
        decay = min(self.decay, (1 + n) / (10 + n))
        return 1 - (decay if self.warmup else self.decay)

    def _pairs(self, model: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
        source = dict(model.named_parameters())
        return (list(self.avg_parameters.values()),
                [source[name].detach() for name in self.avg_parameters])

    def _copy_buffers(self, model: nn.Module) -> None:
        for ours, theirs in zip(self.module.buffers(), model.buffers(),
                                strict=True):
            if ours is not theirs:
                ours.copy_(theirs)

    def load_state_dict(self, *args, **kwargs):
        """Load, and take over the number of updates."""
        result = super().load_state_dict(*args, **kwargs)
        self.num_updates = int(self.steps)
        return result

    def avg_func(self, averaged_param: Tensor, source_param: Tensor,
                 steps: int) -> None:
        """Average one parameter (abstract in the base class)."""
        averaged_param.lerp_(source_param, self.weight)
