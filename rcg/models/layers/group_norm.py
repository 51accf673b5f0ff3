"""Group norm that keeps the type and the memory format of its input."""
import torch
from torch import Tensor, nn


class GroupNorm(nn.GroupNorm):
    """A group norm for networks that run in any precision and memory format.

    In float32 its numbers are the same in every memory format. In lower
    precision, as under autocast, the output has the type and the memory
    format of the input, so that no later layer converts it again.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, ...) to the same."""
        if x.dtype == torch.float32:
            # With channels last, PyTorch's group norm loses digits on a CPU.
            return super().forward(x.contiguous())
        # On a GPU, autocast computes norms in float32, and the kernel wants
        # the contiguous order, in which it leaves its output.
        last = x.ndim == 4 and x.is_contiguous(
            memory_format=torch.channels_last) and not x.is_contiguous()
        out = super().forward(x).to(x.dtype)
        return out.contiguous(
            memory_format=torch.channels_last) if last else out
