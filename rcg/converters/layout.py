"""How a published file names the tensors of one of our parts."""
import re
from collections.abc import Mapping

from torch import Tensor

# The tensors of a vision transformer, named alike by timm, MoCo v3, DINO,
# iBOT, DeiT and us.
VIT = ('cls_token', 'pos_embed', 'patch_embed.proj.*', 'norm.*',
       *(f'blocks.{{0}}.{layer}.*' for layer in (
           'norm1', 'attn.qkv', 'attn.proj', 'norm2', 'mlp.fc1', 'mlp.fc2')))


def _rename(name: str, old: str, new: str) -> str | None:
    """Rename ``name`` if it matches the template ``old``."""
    wildcards = re.findall(r'{\d}|\*', old)
    pattern = re.escape(old).replace(r'\*', r'(\w+)')
    found = re.fullmatch(re.sub(r'\\{\d\\}', r'(\\d+)', pattern), name)
    if not found:
        return None
    values = iter(zip(wildcards, found.groups(), strict=True))

    def fill(match: re.Match) -> str:
        theirs, value = next(values)
        if theirs == '*':
            return value
        return str(int(value) - int(theirs[1]) + int(match[0][1]))

    return re.sub(r'{\d}|\*', fill, new)


class Layout:
    """Renames a published state dict to ours and back.

    Tensors are passed on unchanged, in their own dtype. In a template, ``*``
    stands for one word (weight, bias, running_mean, ...) and ``{0}`` for an
    index that counts from the number in the braces. Both templates of a name
    have their wildcards in the same order.

    Args:
        title: What the file is, for messages.
        names: Template of a published name -> template of our name. The first
            template that matches is used.
        ignored: Prefix of published names that our part does not need -> the
            reason.
        needed: Prefix that some published name must have -> what to do if
            none has it.
    """

    def __init__(self, title: str, names: Mapping[str, str],
                 ignored: Mapping[str, str] | None = None,
                 needed: Mapping[str, str] | None = None) -> None:
        self.title = title
        self.names = dict(names)
        self._ignored = ignored or {}
        self._needed = needed or {}

    def ignored(self, name: str) -> str | None:
        """The reason why a published tensor is not needed, or None.

        Raises:
            KeyError: The published file has no such tensor.
        """
        for start, reason in self._ignored.items():
            if name.startswith(start):
                return reason
        self._first(name, self.names.items())
        return None

    def from_published(self, state: Mapping[str, Tensor]
                       ) -> dict[str, Tensor]:
        """The tensors that our part needs, under our names.

        Raises:
            KeyError: A tensor is neither used nor listed as ignored.
            ValueError: The file lacks a whole group of tensors.
        """
        for start, remedy in self._needed.items():
            if not any(name.startswith(start) for name in state):
                raise ValueError(
                    f"{self.title} has names that start with '{start}'; got "
                    f'{sorted(state)[:3]} and {max(0, len(state) - 3)} more.'
                    f' {remedy}')
        return {
            self._first(name, self.names.items()): tensor
            for name, tensor in state.items() if self.ignored(name) is None
        }

    def to_published(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Inverse of :meth:`from_published`, without ignored tensors.

        Raises:
            KeyError: Our part has no such tensor.
        """
        pairs = [(ours, theirs) for theirs, ours in self.names.items()]
        return {self._first(name, pairs): tensor
                for name, tensor in state.items()}

    def _first(self, name: str, pairs) -> str:
        for old, new in pairs:
            renamed = _rename(name, old, new)
            if renamed is not None:
                return renamed
        raise KeyError(f"{self.title} has no tensor '{name}'.")
