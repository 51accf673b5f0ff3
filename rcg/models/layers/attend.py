"""Softmax attention in the arithmetic that suits the device."""
import torch
import torch.nn.functional as F
from torch import Tensor

from rcg.models.layers.dropout import dropout
from rcg.models.layers.plain import has_own_ways
from rcg.precision import no_autocast


def attend(q: Tensor, k: Tensor, v: Tensor, drop: float = 0.) -> Tensor:
    """Attention of queries (N, H, L, d) to keys and values (N, H, M, d).

    Products of queries and keys are scaled by d^-0.5. In training in
    bfloat16 on a CPU, attention is computed in float32.

    Args:
        q, k, v: Of one type.
        drop: Dropout of the attention weights, in [0, 1).

    Returns:
        (N, H, L, d), of the type of ``q``.
    """
    if (q.dtype == torch.bfloat16 and not drop and q.requires_grad
            and has_own_ways(q.device)):
        # The backward pass of PyTorch's kernel is two to four times as slow
        # in bfloat16 as in float32, for up to 256 tokens (2.14.1).
        with no_autocast(q.device):
            return F.scaled_dot_product_attention(
                q.float(), k.float(), v.float()).to(q.dtype)
    if drop and has_own_ways(q.device):
        # PyTorch has no kernel for it on a CPU and computes the same.
        with no_autocast(q.device):
            weights = (q * q.shape[-1]**-.5 @ k.mT).softmax(-1)
            return dropout(weights, drop) @ v
    return F.scaled_dot_product_attention(q, k, v, dropout_p=drop)
