"""Names that weights had in version 0.1.0 of this project."""
import re
from collections.abc import Collection, Mapping

from torch import Tensor

# A component of an earlier name, and what it is called now: the layer that
# embeds a condition; the halves of U-Nets and of convolutional autoencoders.
_RENAMED = {'condition': 'condition_embed', 'encoder': 'down',
            'decoder': 'up'}
_COMPONENT = re.compile(rf'(?<![^.])({"|".join(_RENAMED)})(?=\.)')


def with_current_names(state: Mapping[str, Tensor], own: Collection[str]
                       ) -> dict[str, Tensor]:
    """Rename what a module knows under another name by now.

    Args:
        state: Weights of a file, in the present names or in earlier ones.
        own: Names of the module's weights.

    Returns:
        The same tensors in the same order. A name that the module has, or
        has under no earlier name either, is left as it is.
    """
    return {_current_name(name, own): value for name, value in state.items()}


def _current_name(name: str, own: Collection[str]) -> str:
    if name in own:
        return name
    for found in _COMPONENT.finditer(name):
        renamed = (name[:found.start()] + _RENAMED[found[0]]
                   + name[found.end():])
        if renamed in own:
            return renamed
    return name
