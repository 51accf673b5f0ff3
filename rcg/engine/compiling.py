"""Compiling the networks of a model."""
from torch import nn

from rcg.engine.console import log
from rcg.engine.frozen_parts import frozen_parts
from rcg.engine.unwrapping import bare_model
from rcg.rng import compile_words


def compile_children(model: nn.Module, options: dict) -> list[str]:
    """Compile what the modules of a model declare, in place.

    A module names its children that can be compiled in a class attribute,
    ``compiled_children = ('network', )``. MMEngine compiles whole training
    steps instead; the random numbers of samples cannot be compiled.

    The frozen parts of a model are compiled, too.

    Args:
        options: Keyword arguments of ``torch.compile``.

    Returns:
        Paths of the compiled modules.
    """
    compiled = []
    parts = {name: part.module for name, part in frozen_parts(model).items()}
    for start, root in {'': model, **parts}.items():
        for path, module in root.named_modules(prefix=start):
            for name in getattr(module, 'compiled_children', ()):
                child = getattr(module, name, None)
                if child is not None:  # a subclass may do without it
                    child.compile(**options)
                    compiled.append(f'{path}.{name}' if path else name)
    return compiled


def compile_networks(runner) -> None:
    """Compile what the model of a Runner declares, if ``compile`` is set.

    On a GPU the random numbers are compiled, too: the integers stay the same.

    Args:
        runner: Its config's ``compile`` is True or keyword arguments of
            ``torch.compile``.

    Raises:
        ValueError: The model declares nothing.
    """
    options = runner.cfg.get('compile')
    if not options:
        return
    if options is True:
        options = {}
    compiled = compile_children(bare_model(runner), options)
    if not compiled:
        raise ValueError(
            f'compile is set, but no module of {runner.model_name} names '
            'what to compile: give a class compiled_children = '
            "('network', ), or delete compile.")
    if next(runner.model.parameters()).is_cuda:
        compile_words(**options)
    for name in compiled:
        log(runner, f'{name} is compiled: the first steps take long')
