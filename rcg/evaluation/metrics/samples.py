"""Which samples count, and how all processes get to see them in order."""
import torch
from mmengine.dist import all_gather, all_reduce, get_rank
from torch import Tensor

_DTYPES = torch.float32, torch.float64, torch.int64


def counted_rows(indices: Tensor, size: int) -> Tensor:
    """Tell the samples that count from padding: (N,), True if they do.

    Indices of ``size`` or more fill up the last batch; indices that came
    before (on any process) were added to give all processes equal shares.
    Over all processes, every index from 0 to size - 1 counts once, or is
    missing, a RuntimeError.

    Args:
        indices (N,): Indices of this process's samples as they came, int64.
    """
    rows = gather_padded(indices.view(-1, 1), fill=-1)[..., 0]  # (world, M)
    flat = rows.T.flatten()  # in the order in which the samples came
    valid = ((flat >= 0) & (flat < size)).nonzero().flatten()
    ordered, order = flat[valid].sort(stable=True)
    first = torch.ones_like(ordered, dtype=torch.bool)
    first[1:] = ordered[1:] != ordered[:-1]
    if missing := set(range(size)).difference(ordered.tolist()):
        raise RuntimeError(
            f'{len(missing)} of {size} samples are missing from the '
            f'evaluation, the first is {min(missing)}. The sampler must '
            "give every index: batch_sampler=dict(type='SeedBatchSampler').")
    counted = torch.zeros(len(flat), dtype=torch.bool)
    counted[valid[order[first]]] = True
    return counted.view(rows.T.shape)[:len(indices), get_rank()]


def gather_padded(rows: Tensor, fill: float = 0) -> Tensor:
    """Rows (N, D) of every process as (world, M, D), M the largest N.

    A process without rows passes (0, 0), float32; the others know D and type.
    """
    rows = rows.detach().cpu()
    agreed = torch.tensor([*rows.shape, _DTYPES.index(rows.dtype)])
    all_reduce(agreed, 'max')
    count, dim, dtype = agreed.tolist()
    padded = torch.full((count, dim), fill, dtype=_DTYPES[dtype])
    padded[:len(rows), :rows.shape[1]] = rows
    return torch.stack(all_gather(padded))


def gather_in_order(indices: Tensor, rows: Tensor, size: int) -> Tensor:
    """Rows (size, D) of all processes in the order of their indices, on CPU.

    Args:
        indices (N,), rows (N, D): Of this process; over all processes each
            index from 0 to size - 1 comes once.
    """
    indices = gather_padded(indices.view(-1, 1), fill=-1).flatten()
    rows = gather_padded(rows).flatten(0, 1)
    out = rows.new_zeros(size, rows.shape[-1])
    out[indices[indices >= 0]] = rows[indices >= 0]
    return out
