"""How much a run will write, and whether there is room for it."""
import copy
import os
import shutil
from collections import OrderedDict, defaultdict

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


def num_bytes(content) -> int:
    """Bytes of the tensors in nested dicts and lists."""
    if isinstance(content, Tensor):
        return content.numel() * content.element_size()
    if isinstance(content, dict):
        return sum(map(num_bytes, content.values()))
    if isinstance(content, (list, tuple)):
        return sum(map(num_bytes, content))
    return 0


def free_bytes(folder: str) -> int | None:
    """Free space where a folder is or will be; None if it is no local one."""
    if '://' in folder:
        return None
    folder = os.path.abspath(os.path.expanduser(folder))
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return shutil.disk_usage(folder).free


def in_gb(count: int) -> str:
    """Bytes in words."""
    return f'{count / 1e9:.3g} GB'


def optimizer_bytes(optimizer: Optimizer) -> int:
    """Bytes of an optimizer's state, also before its first step."""
    if optimizer.state:
        return num_bytes(list(optimizer.state.values()))
    weights = [p for group in optimizer.param_groups
               for p in group['params']]
    moments, counts = _state_of_a_weight(optimizer)
    return round(num_bytes(weights) * moments) + len(weights) * counts


def _state_of_a_weight(optimizer: Optimizer) -> tuple[float, int]:
    """What state there is, by a step of a copy that has one small weight.

    Returns:
        Bytes for a byte of weights, and bytes for each weight besides. For an
        optimizer that cannot make such a step: those of Adam.
    """
    weight = nn.Parameter(torch.ones(16, 16))
    weight.grad = torch.ones(16, 16)
    twin = copy.copy(optimizer)
    twin.state = defaultdict(dict)
    twin.param_groups = [{**optimizer.param_groups[0], 'params': [weight]}]
    # Those of the optimizer itself belong to its own steps.
    twin._optimizer_step_pre_hooks = OrderedDict()
    twin._optimizer_step_post_hooks = OrderedDict()
    try:
        type(twin).step(twin)
    except (TypeError, ValueError, RuntimeError, AttributeError):
        return 2., 4
    state = [value for value in twin.state[weight].values()
             if isinstance(value, Tensor)]
    moments = num_bytes([value for value in state if value.ndim])
    return moments / weight.nbytes, num_bytes(state) - moments
