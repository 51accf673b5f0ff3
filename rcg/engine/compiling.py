"""Compiling the networks of a model."""
from torch import nn


def compile_children(model: nn.Module, options: dict) -> list[str]:
    """Compile what the modules of a model declare, in place.

    A module names its children that can be compiled in a class attribute,
    ``compiled_children = ('network', )``. MMEngine compiles whole training
    steps instead; the random numbers of samples cannot be compiled.

    The frozen parts of a model are not compiled.

    Args:
        options: Keyword arguments of ``torch.compile``.

    Returns:
        Paths of the compiled modules.
    """
    compiled = []
    for path, module in model.named_modules():
        for name in getattr(module, 'compiled_children', ()):
            getattr(module, name).compile(**options)
            compiled.append(f'{path}.{name}' if path else name)
    return compiled
