"""What MMEngine's wrapper for several processes is told."""
import inspect

import torch
from torch import nn

from rcg.registry import MODEL_WRAPPERS


def wrapper_config(cfg: dict | None,
                   find_unused_parameters: bool = False) -> dict:
    """Complete the config of a model wrapper, in a copy.

    Only wrappers of the kind of DistributedDataParallel are completed; others
    stay as they are.

    Args:
        cfg: The config. None, or one without a type:
            MMDistributedDataParallel.
        find_unused_parameters: Of DistributedDataParallel.
    """
    cfg = {'type': 'MMDistributedDataParallel', **(cfg or {})}
    names = _class_names(cfg['type'])
    if not names & {'DistributedDataParallel',
                    'MMSeparateDistributedDataParallel'}:
        return cfg
    cfg.setdefault('find_unused_parameters', find_unused_parameters)
    # Gradients lie in the memory that is exchanged: once, and not copied.
    cfg.setdefault('gradient_as_bucket_view', True)
    # `static_graph` saves what find_unused_parameters costs, which is off; and
    # the graph of a tokenizer's training changes when its adversary begins.
    # Buffers are not broadcast. torch 2.15 renamed the argument.
    new = 'forward_sync_buffers'
    known = inspect.signature(nn.parallel.DistributedDataParallel)
    cfg.setdefault(new if new in known.parameters else 'broadcast_buffers',
                   False)
    # MMEngine takes the GPU numbered LOCAL_RANK, but Slurm may show each task
    # only one GPU.
    cfg['device_ids'] = ([torch.cuda.current_device()]
                         if torch.cuda.is_available() else None)
    return cfg


def is_flattening(cfg: dict) -> bool:
    """Whether the config of a wrapper is one of the first FSDP."""
    return 'FullyShardedDataParallel' in _class_names(cfg['type'])


def _class_names(wrapper: str | type) -> set[str]:
    """Names of a wrapper's class and its bases.

    They are empty for an unknown type: MMEngine will complain of it.
    """
    if isinstance(wrapper, str):
        wrapper = MODEL_WRAPPERS.get(wrapper)
    return {cls.__name__ for cls in getattr(wrapper, '__mro__', ())}
