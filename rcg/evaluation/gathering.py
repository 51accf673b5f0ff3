"""Which samples count, and how the processes put together what they have."""
import torch
from mmengine.dist import all_gather, all_reduce, get_rank
from torch import Tensor

_DTYPES = torch.float32, torch.float64, torch.int64


def which_count(indices: Tensor, size: int) -> Tensor:
    """Tell the samples that count from padding.

    Indices of ``size`` or more fill up the last batch. Indices that came
    before, on any process, give all processes equal shares. Neither counts.

    Args:
        indices (N,): Of this process's samples as they came, int64.
        size: Number of different samples over all processes.

    Returns:
        (N,): True for the samples that count. Over all processes, each index
        from 0 to size - 1 does so exactly once.

    Raises:
        RuntimeError: An index is missing on all processes.
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
    """Gather rows (N, D) of all processes, filled up to the largest N.

    Args:
        rows: float32, float64 or int64. A process without rows passes
            (0, 0) in float32; the others know D and the type.
        fill: Value of the rows that are added.

    Returns:
        (world, M, D): On the CPU; M is the largest N.
    """
    rows = rows.detach().cpu()
    agreed = torch.tensor([*rows.shape, _DTYPES.index(rows.dtype)])
    all_reduce(agreed, 'max')
    count, dim, dtype = agreed.tolist()
    padded = torch.full((count, dim), fill, dtype=_DTYPES[dtype])
    padded[:len(rows), :rows.shape[1]] = rows
    return torch.stack(all_gather(padded))


def gather_in_order(indices: Tensor, rows: Tensor, size: int) -> Tensor:
    """Gather the rows of all processes in the order of their indices.

    Args:
        indices (N,): Of this process; over all processes each index from 0
            to size - 1 comes once.
        rows (N, D): Likewise.
        size: Number of rows over all processes.

    Returns:
        (size, D): On the CPU.
    """
    indices = gather_padded(indices.view(-1, 1), fill=-1).flatten()
    rows = gather_padded(rows).flatten(0, 1)
    out = rows.new_zeros(size, rows.shape[-1])
    out[indices[indices >= 0]] = rows[indices >= 0]
    return out


def add_up(sums: Tensor) -> Tensor:
    """Add up the tensors of all processes, which may differ in shape.

    Smaller tensors count as filled up with zeros. A process that has nothing
    passes a tensor without elements, but of the common type and number of
    axes. Where shapes agree, ``sums`` itself becomes the result.
    """
    shape = torch.tensor(sums.shape)
    all_reduce(shape, 'max')
    total = sums
    if sums.shape != tuple(shape.tolist()):
        total = sums.new_zeros(shape.tolist())
        total[tuple(slice(length) for length in sums.shape)] = sums
    all_reduce(total)
    return total
