"""Reading published checkpoints, whatever else they hold.

Besides weights, such files hold pickled arguments, callbacks and optimizers.
What is neither a tensor nor a built-in value becomes a
:class:`~rcg.checkpoint.inert.Placeholder`. Weights stay on disk
(memory-mapped) until they are used.
"""
import os
from typing import BinaryIO

from .finding import CheckpointError
from .inert import Placeholder
from .reading import read_file
from .torch_files import read_torch
from .values import within_bounds


def read_foreign(path: str) -> dict:
    """Read a checkpoint of any origin; nothing in it is executed.

    Args:
        path: A file that any version of ``torch.save`` wrote, or safetensors.

    Returns:
        What the file holds: tensors, built-in values, placeholders. The
        tensors are memory-mapped: the file must not change while they are in
        use.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: It is no checkpoint, truncated or damaged.
    """
    path = os.path.expanduser(str(path))
    if not os.path.exists(path) or os.path.isdir(path):
        raise FileNotFoundError(f"There is no file '{path}'.")
    content = read_file(path, _inertly)
    if not isinstance(content, dict):
        kind = (content.path if isinstance(content, Placeholder)
                else type(content).__name__)
        raise CheckpointError(f"'{path}' holds no dict of weights but a "
                              f'{kind[:80]}.')
    return content


def _inertly(file: BinaryIO):
    content = read_torch(file, mapped=True)
    return within_bounds(content) if isinstance(content, dict) else content
