"""Clipping of gradients by their norm."""
from collections.abc import Iterable

from torch import Tensor, nn

from rcg.engine.shards import is_shard


def clip_grad_norm_(parameters: Iterable[Tensor] | Tensor, max_norm: float,
                    norm_type: float = 2., error_if_nonfinite: bool = False,
                    foreach: bool | None = None) -> Tensor:
    """PyTorch's function, but no gradient on a CPU is multiplied by one.

    PyTorch multiplies always, because a GPU would have to be waited for. On
    a CPU, this saves a pass over the gradients in each step whose norm is
    small enough. The gradients get the same bits.

    Returns:
        Norm of all gradients before.
    """
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    parameters = [p for p in parameters if p.grad is not None]
    norm = nn.utils.get_total_norm([p.grad for p in parameters], norm_type,
                                   error_if_nonfinite, foreach)
    # 1e-6 is PyTorch's. A norm that is NaN makes all gradients NaN.
    if (norm.device.type != 'cpu' or is_shard(norm)
            or not max_norm / (norm + 1e-6) >= 1):
        nn.utils.clip_grads_with_norm_(parameters, max_norm, norm, foreach)
    return norm
