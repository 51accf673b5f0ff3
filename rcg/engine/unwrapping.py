"""The model inside a Runner or a wrapper."""
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn


def bare_model(model_or_runner: nn.Module | Runner) -> nn.Module:
    """The model itself, without the wrapper of DDP if it has one.

    Args:
        model_or_runner: A model, or any Runner of MMEngine that holds one.
    """
    model = model_or_runner
    if not isinstance(model, nn.Module):
        model = model_or_runner.model
    return model.module if is_model_wrapper(model) else model


def is_sharded(model: nn.Module) -> bool:
    """Whether each process keeps a shard of the model."""
    return is_flattened(model) or _is_a(model, 'ShardedModel')


def is_flattened(model: nn.Module) -> bool:
    """Whether the first FSDP has made one long vector of the weights."""
    return _is_a(model, 'FullyShardedDataParallel')


def _is_a(model: nn.Module, name: str) -> bool:
    return any(cls.__name__ == name for cls in type(model).__mro__)


def refuse_shards(runner: Runner, part: str) -> None:
    """Refuse a part of a run that cannot work with shards.

    Raises:
        ValueError: Each process keeps a shard of the model.
    """
    if is_sharded(runner.model):
        raise ValueError(
            f'{part} needs whole weights, and FSDP keeps a shard of them in '
            f'each process: delete {part}, or train with DDP.')
