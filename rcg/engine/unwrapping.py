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
