"""The frozen parts of a model, and what a checkpoint keeps of them."""
import hashlib

from torch import nn

from rcg.engine.distributed import on_first_process
from rcg.frozen import Frozen, HasFrozenParts


def frozen_parts(model: nn.Module) -> dict[str, Frozen]:
    """The parts that a model uses and never trains.

    Args:
        model: Its modules that hold parts are
            :class:`~rcg.frozen.HasFrozenParts`.

    Returns:
        The parts by attribute path, such as 'encoder' or 'generator.guide'.
        A part's own parts follow it: 'rdm', 'rdm.encoder'.
    """
    found = {}
    for path, module in model.named_modules():
        if not isinstance(module, HasFrozenParts):
            continue
        for name, part in module.own_frozen_parts.items():
            full = f'{path}.{name}' if path else name
            found[full] = part
            for inner, part_of_part in frozen_parts(part).items():
                found[f'{full}.{inner}'] = part_of_part
    return found


def share_hashes(model: nn.Module) -> None:
    """Hash the files of frozen parts on the first process, for all.

    It is called after the model was built, on all processes.
    """
    parts = frozen_parts(model)
    hashes = on_first_process(
        lambda: {name: part.sha256 for name, part in parts.items()})
    for name, part in parts.items():
        part.sha256 = hashes[name]


def part_digest(part: Frozen) -> str:
    """SHA-256 of a part's file, or of its weights if it has no file."""
    if part.sha256 is not None:
        return part.sha256
    digest = hashlib.sha256()
    for name, value in sorted(part.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def describe_parts(model: nn.Module) -> dict[str, dict]:
    """File and hash of each frozen part by path, to keep in a checkpoint."""
    return {name: dict(checkpoint=part.checkpoint, sha256=part.sha256)
            for name, part in frozen_parts(model).items()}
