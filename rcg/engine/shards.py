"""Tensors of which each process holds a shard, and whole ones.

A shard is a DTensor of torch, as its ``fully_shard`` (FSDP2) makes them.
"""
import torch
from mmengine.dist import is_main_process
from mmengine.utils import apply_to
from torch import Tensor


def is_shard(value) -> bool:
    """Whether a value is a tensor of which this process holds a part."""
    return isinstance(value, Tensor) and hasattr(value, 'full_tensor')


def local(value: Tensor) -> Tensor:
    """The part that this process holds; of a whole tensor, itself.

    They share memory.
    """
    return value.to_local() if is_shard(value) else value


def whole(value):
    """Gather the shards in nested dicts and lists; all processes call this.

    Returns:
        The same with whole tensors on the CPU in place of shards. Only the
        first process gets them, one after the other: the others get empty
        ones. What is no shard stays as it is.
    """
    keep = is_main_process()

    def gathered(shard: Tensor) -> Tensor:
        full = shard.detach().full_tensor()
        return full.cpu() if keep else full.new_empty(0, device='cpu')

    return apply_to(value, is_shard, gathered)


def shard_like(value: Tensor, other: Tensor) -> Tensor:
    """This process's shard of a whole tensor.

    Args:
        value: The same on all processes: nothing is exchanged.
        other: Whose layout it gets; a whole tensor leaves it as it is.
    """
    if not is_shard(other):
        return value
    from torch.distributed.tensor import distribute_tensor
    value = value.to(device=other.device, dtype=other.dtype)
    return distribute_tensor(value, other.device_mesh, other.placements,
                             src_data_rank=None)


def sharded_weights(state: dict[str, Tensor],
                    own: dict[str, Tensor]) -> dict[str, Tensor]:
    """Whole weights in the layout of a model's own, by name."""
    return {name: shard_like(value, own[name]) if name in own else value
            for name, value in state.items()}


def sharded_optimizer_state(optimizer: torch.optim.Optimizer,
                            state: dict) -> dict:
    """The state of an optimizer of whole weights, for one of shards.

    Args:
        optimizer: Of shards or of whole weights.
        state: As its ``state_dict()`` has it, with whole tensors.
    """
    owners = [p for group in optimizer.param_groups for p in group['params']]
    if not any(map(is_shard, owners)):
        return state
    entries = {
        number: {name: shard_like(value, owners[number])
                 if isinstance(value, Tensor)
                 and value.shape == owners[number].shape else value
                 for name, value in entry.items()}
        for number, entry in state['state'].items()}
    return {**state, 'state': entries}
