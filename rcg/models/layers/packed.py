"""Linear layers in the order in which a CPU multiplies them.

A product with a few rows reads each weight once. PyTorch's linear layer also
reorders all weights in each call, which takes as long again. A loop that calls
a network many times reorders them once.
"""
import copy

import torch
from torch import Tensor, nn

# Below so many weights, oneDNN's start takes longer than what it saves
# (measured: 512 x 512 gains, 256 x 256 loses at 16 rows).
SMALLEST = 2**18
# So many calls repay the reordering (measured: eight, at 16 rows).
FEWEST_CALLS = 16


def packed(network: nn.Module, rows: int, calls: int,
           skip: tuple[str, ...] = ()) -> nn.Module:
    """A network to be called many times on a CPU, without gradients.

    Args:
        network: It stays as it is.
        rows: N of its inputs (N, ...). Others work as well, but slower.
        calls: How often it will be called.
        skip: Names of children that it will not call, at any depth.

    Returns:
        A copy that shares all but the larger linear layers, whose weights are
        copied: later changes do not reach it. In float32 its results differ
        by rounding. Under autocast the weights have the lower precision. The
        network itself if nothing is to be gained, if it is compiled, or if
        this PyTorch cannot reorder.
    """
    first = next(network.parameters(), None)
    if (first is None or first.device.type != 'cpu' or calls < FEWEST_CALLS
            or network._compiled_call_impl is not None
            or not _can_pack(_dtype())
            or not any(map(_is_large, network.modules()))):
        return network
    shared = {id(tensor): tensor for tensor in
              (*network.parameters(), *network.buffers())}
    network = copy.deepcopy(network, shared)
    for path, parent in list(network.named_modules()):
        for name, child in list(parent.named_children()):
            if _is_large(child) and not {name, *path.split('.')} & set(skip):
                setattr(parent, name, PackedLinear(child, rows))
    return network


class PackedLinear(nn.Module):
    """A linear layer with reordered weights; without gradients, on a CPU.

    Args:
        linear: The layer, in float32.
        rows: See :func:`packed`.
    """

    def __init__(self, linear: nn.Linear, rows: int) -> None:
        super().__init__()
        self.dtype = _dtype()
        weight = linear.weight.detach().to(self.dtype)
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
        self.bias = None
        if linear.bias is not None:
            self.bias = linear.bias.detach().to(self.dtype)

    def forward(self, x: Tensor) -> Tensor:
        return torch.ops.mkldnn._linear_pointwise(
            x.to(self.dtype), self.weight, self.bias, 'none', [], '')


def _is_large(module: nn.Module) -> bool:
    # No subclass, which may do other things.
    return (type(module) is nn.Linear and module.weight.numel() >= SMALLEST
            and module.weight.dtype == torch.float32
            and not module._forward_hooks and not module._forward_pre_hooks)


def _dtype() -> torch.dtype:
    """What a linear layer multiplies in now."""
    if torch.is_autocast_enabled('cpu'):
        return torch.get_autocast_dtype('cpu')
    return torch.float32


def _can_pack(dtype: torch.dtype) -> bool:
    """Whether there are oneDNN's operations, which inductor uses, too."""
    ops = torch.ops.mkldnn
    if not (torch.backends.mkldnn.is_available()
            and torch.backends.mkldnn.enabled
            and hasattr(ops, '_reorder_linear_weight')
            and hasattr(ops, '_linear_pointwise')):
        return False
    return dtype == torch.float32 or (
        dtype == torch.bfloat16 and ops._is_mkldnn_bf16_supported())
