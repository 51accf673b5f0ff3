"""Mixed precision in bfloat16."""
import contextlib

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from rcg.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(OptimWrapper):
    """Runs the forward pass under autocast, on a CPU or a GPU.

    bfloat16 has the range of float32, so the loss needs no scaling. For
    float16 on a GPU use MMEngine's ``AmpOptimWrapper``, which scales it.

    Args:
        dtype: 'bfloat16', or 'float32' for no autocast.
        **kwargs: MMEngine's: ``optimizer``, ``accumulative_counts``,
            ``clip_grad``.

    Attributes:
        grad_norm: Norm of the gradients before they were last clipped; None
            before that. It is a tensor on the device, because the host would
            wait for a number in every step.
    """

    def __init__(self, dtype: str = 'bfloat16', **kwargs) -> None:
        super().__init__(**kwargs)
        if dtype not in ('bfloat16', 'float32'):
            raise ValueError(
                f"dtype must be 'bfloat16' or 'float32', got {dtype!r}; for "
                "float16 on a GPU use type='AmpOptimWrapper'.")
        self.dtype, self.grad_norm = getattr(torch, dtype), None

    @contextlib.contextmanager
    def optim_context(self, model: nn.Module):
        """Autocast, and no gradient exchange between micro-batches."""
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(
                device, torch.bfloat16, self.dtype == torch.bfloat16):
            yield

    def _clip_grad(self) -> None:
        parameters = [p for group in self.optimizer.param_groups
                      for p in group['params'] if p.grad is not None]
        if parameters:
            self.grad_norm = self.clip_func(parameters,
                                            **self.clip_grad_kwargs)
