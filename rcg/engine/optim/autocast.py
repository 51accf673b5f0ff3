"""Mixed precision in bfloat16."""
import contextlib
import math

import torch
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

from rcg.engine.shards import is_shard, local
from rcg.precision import warn_if_emulated
from rcg.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(OptimWrapper):
    """Runs the forward pass under autocast, on a CPU or a GPU.

    bfloat16 has the range of float32, so the loss needs no scaling. For
    float16 on a GPU use MMEngine's ``AmpOptimWrapper``, which scales it. The
    log warns if a CPU has no instructions for bfloat16.

    Args:
        dtype: 'bfloat16', or 'float32' for no autocast.
        **kwargs: MMEngine's: ``optimizer``, ``accumulative_counts``,
            ``clip_grad``.

    Attributes:
        grad_norm: Norm of the gradients before they were last clipped; None
            before that. It is a tensor on the device, because the host would
            wait for a number in every step.
        unclipped_norm: A norm of the gradients before they were last clipped,
            by norm or by value; None if they are not clipped. It is finite if
            they are.
    """

    def __init__(self, dtype: str = 'bfloat16', **kwargs) -> None:
        super().__init__(**kwargs)
        if dtype not in ('bfloat16', 'float32'):
            raise ValueError(
                f"dtype must be 'bfloat16' or 'float32', got {dtype!r}; for "
                "float16 on a GPU use type='AmpOptimWrapper'.")
        self.dtype, self.grad_norm = getattr(torch, dtype), None
        self.unclipped_norm = None

    def backward(self, loss: Tensor, **kwargs) -> None:
        """Compute gradients, which are NaN if the loss is not finite."""
        kwargs.setdefault('gradient', outer_gradient(loss))
        super().backward(loss, **kwargs)

    @contextlib.contextmanager
    def optim_context(self, model: nn.Module):
        """Autocast, and no gradient exchange between micro-batches."""
        device = next(model.parameters()).device.type
        warn_if_emulated(self.dtype, device, 'optim_wrapper.dtype')
        with super().optim_context(model), torch.autocast(
                device, torch.bfloat16, self.dtype == torch.bfloat16):
            yield

    def _clip_grad(self) -> None:
        parameters = [p for group in self.optimizer.param_groups
                      for p in group['params'] if p.grad is not None]
        self.unclipped_norm = None
        if not parameters:
            return
        if self.grad_name == 'grad_value':  # it would make infinity finite
            self.unclipped_norm = nn.utils.get_total_norm(
                [local(p.grad) for p in parameters])
        self.grad_norm = self.clip_func(parameters, **self.clip_grad_kwargs)
        if is_shard(self.grad_norm):  # of all processes together
            self.grad_norm = self.grad_norm.full_tensor()
        if self.grad_norm is not None:
            self.unclipped_norm = self.grad_norm


def outer_gradient(loss: Tensor) -> Tensor:
    """What a backward pass starts with: 1, or NaN.

    Gradients of a loss that is NaN or infinite may be finite. They become
    NaN, so that gradients alone say whether a step is good.
    """
    return torch.where(loss.detach().isfinite(), 1., math.nan).to(loss.dtype)
