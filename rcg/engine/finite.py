"""No NaN and no infinity in what a checkpoint keeps."""
from collections.abc import Collection, Iterator

import torch
from torch import Tensor

from rcg.engine.shards import local

# Parts of a checkpoint that training goes on from.
_PARTS = 'state_dict', 'ema_state_dict', 'optimizer'


def non_finite(content, name: str = '') -> list[str]:
    """Names of the tensors that hold NaN or infinity.

    The host waits once for each device.

    Args:
        content: Tensors in nested dicts and lists.
        name: Put before the names.
    """
    by_device: dict[torch.device, list[tuple[str, Tensor]]] = {}
    for path, value in _tensors(content, name):
        if value.is_floating_point() or value.is_complex():
            by_device.setdefault(value.device, []).append((path, value))
    bad = []
    for members in by_device.values():
        finite = torch.stack([value.isfinite().all() for _, value in members])
        bad += [path for (path, _), good in zip(members, finite.tolist(),
                                                strict=True) if not good]
    return bad


def non_finite_parts(checkpoint: dict,
                     allowed: Collection[str] = ()) -> list[str]:
    """The same for the weights, averages and optimizer of a checkpoint.

    Args:
        checkpoint: In MMEngine's layout.
        allowed: Names of weights that may, such as a mask of infinities.
    """
    allowed = {f'{part}.{prefix}{name}' for name in allowed
               for part in _PARTS for prefix in ('', 'module.')}
    parts = {part: checkpoint[part] for part in _PARTS if part in checkpoint}
    return [name for name in non_finite(parts) if name not in allowed]


def listed(names: list[str]) -> str:
    """Some names, and how many more there are."""
    more = f' and {len(names) - 3} more' if len(names) > 3 else ''
    return ', '.join(names[:3]) + more


def _tensors(content, path: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(content, Tensor):
        yield path, local(content)
    elif isinstance(content, dict):
        for key, value in content.items():
            yield from _tensors(value, f'{path}.{key}' if path else str(key))
    elif isinstance(content, (list, tuple)):
        for i, value in enumerate(content):
            yield from _tensors(value, f'{path}.{i}' if path else str(i))
