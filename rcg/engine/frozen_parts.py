"""Finding the frozen parts of a model without knowing its class."""
import hashlib

from torch import nn


def frozen_parts(model: nn.Module) -> dict[str, object]:
    """The parts that a model uses and never trains, by attribute path.

    They are no modules and have ``checkpoint`` and ``sha256``
    (:class:`rcg.models.frozen.Frozen`); parts of parts count.
    """
    found = {}
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if (hasattr(value, 'sha256') and hasattr(value, 'checkpoint')
                    and name[0] != '_' and not isinstance(value, type)):
                full = f'{path}.{name}' if path else name
                found[full] = value
                found |= {f'{full}.{inner}': part for inner, part in
                          frozen_parts(value).items()}
    return found


def part_digest(part) -> str:
    """SHA-256 of a part's file, or of its weights if it has no file."""
    if part.sha256 is not None:
        return part.sha256
    digest = hashlib.sha256()
    for name, value in sorted(part.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def describe_parts(model: nn.Module) -> dict[str, dict]:
    """Path and hash of each frozen part, to keep in a checkpoint."""
    return {name: dict(checkpoint=part.checkpoint, sha256=part.sha256)
            for name, part in frozen_parts(model).items()}
