"""How many parameters the parts of a model have, trained and frozen."""
from torch import nn

from rcg.engine.frozen_parts import frozen_parts


def trained_and_frozen(model: nn.Module
                       ) -> tuple[dict[str, int], dict[str, int]]:
    """Numbers of parameters by part, without parts that have none.

    Args:
        model: Not wrapped.

    Returns:
        Those that are trained, by the name of the child of the model, and
        those that are not: frozen parts by their paths, and what of a child
        has no gradient.
    """
    trained, frozen = {}, {}
    own = dict(model.named_parameters())
    for name, weight in own.items():
        kind = trained if weight.requires_grad else frozen
        part = name.partition('.')[0]
        kind[part] = kind.get(part, 0) + weight.numel()
    seen = set()
    for name, part in frozen_parts(model).items():
        if id(part.module) not in seen:  # an RDM may share the encoder
            seen.add(id(part.module))
            frozen[name] = sum(w.numel() for w in part.module.parameters())
    return trained, {name: n for name, n in frozen.items() if n}


def in_words(counts: dict[str, int]) -> str:
    """Such as 'generator 1.2 M, rdm 340 k'; 'nothing' for none."""
    return ', '.join(f'{name} {short(n)}' for name, n in counts.items()
                     ) or 'nothing'


def short(number: int) -> str:
    """A number of parameters in three digits or so."""
    for unit, size in (('G', 10**9), ('M', 10**6), ('k', 10**3)):
        if number >= size:
            return f'{number / size:.3g} {unit}'
    return str(number)
