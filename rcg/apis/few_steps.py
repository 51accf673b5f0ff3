"""Timing a few steps of a training, on images or on stored features."""
import time
from collections.abc import Callable

import torch
from mmengine.model import BaseModel
from torch import Tensor

from rcg.apis.timing import Timing

# Steps are timed for so many seconds, but two at least.
SECONDS = 3.


def mean_and_least(timing: Timing, *acts: Callable[[], object]
                   ) -> list[tuple[float, float]]:
    """Mean and least seconds of each, after a first call; they alternate."""
    for act in acts:
        act()
    begun, took = time.monotonic(), [[] for _ in acts]
    while (len(took[0]) < 2
           or time.monotonic() - begun < SECONDS * len(acts)):
        for act, seconds in zip(acts, took, strict=True):
            before = timing.now()
            act()
            seconds.append(timing.now() - before)
    return [(sum(seconds) / len(seconds), min(seconds)) for seconds in took]


def with_features(model: BaseModel, batch: dict[str, Tensor]
                  ) -> dict[str, Tensor]:
    """The batch with stored features, if the model trains on such.

    The frozen parts see one image, many times: each image is seen once in a
    run, and their memory does not count here.
    """
    if not hasattr(model, 'encode'):
        return batch
    first = model.data_preprocessor(dict(images=batch['images'][:1]))
    with torch.no_grad():
        encoded = model.encode(first['images'])
    count = len(batch['images'])
    rest = {name: value for name, value in batch.items() if name != 'images'}
    return rest | {name: value.cpu().repeat_interleave(count, 0)
                   for name, value in encoded.items()}
