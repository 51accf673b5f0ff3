"""Images and weights that are the same, to the bit, on every machine.

They are made of random integers, by arithmetic whose rounding IEEE 754
defines. So they need not be stored. Hashes show that they are the same.
"""
import hashlib
import io
import math
from collections.abc import Iterable

import torch
from torch import Tensor

from rcg.rng import SampleRng

NUM_IMAGES, SIZE = 256, 64
_SEED = 20240601


def image_set(number: int) -> Tensor:
    """Ramps with rectangles and a little noise.

    Args:
        number: 0 or 1. Set 1 has stronger ramps, contrast and noise.

    Returns:
        (256, 3, 64, 64): uint8.
    """
    rng = SampleRng.from_seed(_SEED + number, range(NUM_IMAGES))
    place = torch.arange(SIZE)
    ramp = rng.randint(7 + 2 * number, 3, 2) - 3 - number  # (N, 3, 2)
    images = (rng.randint(120, 3, 1, 1) + 60
              + ramp[..., :1, None] * (place[:, None] - 32)
              + ramp[..., 1:, None] * (place - 32))  # (N, 3, H, W)
    for _ in range(4):
        start, extent = rng.randint(48, 2), rng.randint(32, 2) + 4  # (N, 2)
        rows, columns = ((place >= start[:, i:i + 1]) & (
            place < (start + extent)[:, i:i + 1]) for i in (0, 1))  # (N, 64)
        inside = (rows[:, :, None] & columns[:, None])[:, None]
        images = torch.where(inside, rng.randint(256, 3, 1, 1), images)
    noise = rng.randint(17 + 24 * number, 3, SIZE, SIZE) - 8 - 12 * number
    # From 1 (set 1: 5) to 16, in units of 1/16. Else all Inception Scores
    # would be alike.
    contrast = rng.randint(16 - 4 * number, 1, 1, 1) + 1 + 4 * number
    return ((images + noise).clamp(0, 255) * contrast
            + 128 * (16 - contrast)).div(16, rounding_mode='floor').byte()


def random_weights() -> dict[str, Tensor]:
    """A random state dict of torch-fidelity's Inception.

    Raises:
        ModuleNotFoundError: torch-fidelity is not installed.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import (
        FeatureExtractorInceptionV3,
    )

    class Untrained(FeatureExtractorInceptionV3):
        def load_state_dict(self, state: dict) -> None:
            """Ignore it: only names and shapes are wanted."""

    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    state = Untrained('inception-v3-compat', ['2048'], nothing).state_dict()
    for place, (name, value) in enumerate(state.items()):
        if value.ndim > 1:
            # He et al. (arXiv:1502.01852), from a uniform distribution.
            bound = math.sqrt(6 / math.prod(value.shape[1:]))
            if name == 'fc.weight':  # or logits would be nearly equal
                bound *= 16
            rng = SampleRng.from_seed(_SEED, [place])
            state[name] = (rng.uniform(*value.shape)[0] * 2 - 1) * bound
        elif name.endswith(('bn.weight', 'running_var')):
            state[name] = torch.ones_like(value)
        else:  # normalization then changes nothing
            state[name] = torch.zeros_like(value)
    return state


def sha256(tensors: Iterable[Tensor]) -> str:
    """Hash of the bytes of several tensors."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()
