"""Compiling the networks of a model."""
from collections.abc import Iterator

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
    for path, module in _modules(model):
        for name in getattr(module, 'compiled_children', ()):
            child = getattr(module, name, None)
            if child is not None:  # a subclass may do without it
                child.compile(**options)
                compiled.append(f'{path}.{name}' if path else name)
    return compiled


def capture_loops(model: nn.Module) -> list[str]:
    """Let the modules of a model record their loops of sampling on a GPU.

    Those that can have a method ``capture_sampling``.

    Returns:
        Their types.
    """
    found = [module for _, module in _modules(model)
             if hasattr(module, 'capture_sampling')]
    for module in found:
        module.capture_sampling()
    return [type(module).__name__ for module in found]


def _modules(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """All modules of a model and of its frozen parts, with their paths."""
    parts = {name: part.module for name, part in frozen_parts(model).items()}
    for start, root in {'': model, **parts}.items():
        yield from root.named_modules(prefix=start)


def compile_networks(runner) -> None:
    """Compile what the model of a Runner declares, if ``compile`` is set.

    On a GPU the random numbers are compiled, too: the integers stay the same.
    Loops of sampling become one CUDA graph each, unless torch.compile makes
    graphs of its own.

    Args:
        runner: Its config's ``compile`` is True or keyword arguments of
            ``torch.compile`` and ``capture``: whether loops become graphs;
            by default they do.

    Raises:
        ValueError: The model declares nothing.
    """
    options = runner.cfg.get('compile')
    if not options:
        return
    options = {} if options is True else dict(options)
    capture = options.pop('capture', True) and not _makes_graphs(options)
    compiled = compile_children(bare_model(runner), options)
    if not compiled:
        raise ValueError(
            f'compile is set, but no module of {runner.model_name} names '
            'what to compile: give a class compiled_children = '
            "('network', ), or delete compile.")
    if next(runner.model.parameters()).is_cuda:
        compile_words(**options)
        for name in capture_loops(bare_model(runner)) if capture else ():
            log(runner, f'the loop of {name} becomes a CUDA graph')
    for name in compiled:
        log(runner, f'{name} is compiled: the first steps take long')


def _makes_graphs(options: dict) -> bool:
    """Whether torch.compile makes CUDA graphs, which cannot be in others."""
    return (options.get('mode') in ('reduce-overhead', 'max-autotune')
            or bool((options.get('options') or {}).get('triton.cudagraphs')))
