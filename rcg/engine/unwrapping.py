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
    """Whether FSDP keeps a shard of the model in each process."""
    return any(cls.__name__ == 'FullyShardedDataParallel'
               for cls in type(model).__mro__)


def refuse_shards(runner: Runner, part: str) -> None:
    """Refuse a part of a run that cannot work with FSDP.

    Raises:
        ValueError: The model is wrapped by FSDP.
    """
    if is_sharded(runner.model):
        raise ValueError(
            f'{part} needs whole weights, and FSDP keeps a shard of them in '
            f'each process: delete {part}, or train with DDPStrategy.')
