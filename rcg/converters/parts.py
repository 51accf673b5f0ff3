"""A published file <-> the parts that this project keeps apart.

A part is one file here: its tensors under our names and, unless it is lean,
what ours does not use under ``published.{their name}``. So the way back is
exact to the bit.
"""
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from rcg.checkpoint import REST
from rcg.converters.formats import FORMATS
from rcg.converters.naming import name_part

# Used by some variants of a format only; why not by the others.
_UNUSED = {
    'fake_latent': 'null representation of a model without representations',
    'cond_stage_model.embedding.weight':
        'label embedding that this network does not look at',
    'y_embedder.embedding_table.weight':
        'label embedding of a model with representations',
    **dict.fromkeys(('rep_embedder.weight', 'rep_embedder.bias'),
                    'representation layer of a model with labels'),
}
# Option of the way back to names that only some files of a format have.
_SPELLINGS = {'mocov3': 'misnamed', 'kl_f8_diffusers': 'old_names'}


@dataclass
class Part:
    """One part of a published file.

    Attributes:
        form: Its format, a key of ``FORMATS``.
        stem: Name of its file here, without ending.
        config: Path of the config that fits, if there is one of its size.
        weights: Under our names.
        rest: Under published names, what ours does not use.
        ignored: Published name: why it is not used.
        options: Of the functions that convert.
    """
    form: str
    stem: str
    config: str
    weights: dict[str, Tensor]
    rest: dict[str, Tensor] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    options: dict[str, bool] = field(default_factory=dict)

    def named(self, lean: bool = False) -> dict[str, Tensor]:
        """All tensors as they are called in a file."""
        prefix = FORMATS[self.form].prefix
        named = {prefix + name: value for name, value in self.weights.items()}
        return named if lean else named | {
            REST + name: value for name, value in self.rest.items()}


def _function(form: str, which: str):
    return getattr(FORMATS[form].converter, f'{form}_{which}')


def same_bits(a: Tensor, b: Tensor) -> bool:
    """Whether dtype, shape and every bit agree (on meta: the first two)."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.is_meta or b.is_meta or a.data_ptr() == b.data_ptr():
        return True
    return torch.equal(*(x.contiguous().flatten().view(torch.uint8)
                         for x in (a, b)))


def digest(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 of names, dtypes, shapes and bits; order does not matter."""
    total = hashlib.sha256()
    for name in sorted(weights):
        value = weights[name].contiguous()
        total.update(f'{name} {value.dtype} {tuple(value.shape)}'.encode())
        total.update(value.flatten().view(torch.uint8).numpy())
    return total.hexdigest()


def _convert(form: str, file: Mapping[str, Tensor],
             state: Mapping[str, Tensor], averaged: bool) -> Part:
    """One format's tensors; checks that the way back restores them.

    Args:
        form: Its format.
        file: All tensors, those of frozen parts included.
        state: Those that are not of frozen parts.
        averaged: As in :func:`split`.
    """
    options = dict(averaged=averaged) if FORMATS[form].averages else {}
    ignored, unknown = {}, []
    for name in state:
        try:
            ignored[name] = _function(form, 'ignored')(name, **options)
        except KeyError:
            unknown.append(name)
    if unknown:
        raise ValueError(
            f'{len(unknown)} of {len(state)} tensors are not explained: '
            f'{", ".join(unknown[:12])}. It looks like '
            f'{FORMATS[form].title}, but one of another version.')
    weights = _function(form, 'from_published')(file, **options)
    back = _function(form, 'to_published')(weights, **options)
    if form in _SPELLINGS and not back.keys() <= state.keys():
        options = {_SPELLINGS[form]: True}
        back = _function(form, 'to_published')(weights, **options)
    wrong = [name for name, value in back.items()
             if name not in state or not same_bits(value, state[name])]
    rest = {name: state[name] for name in state if name not in back}
    ignored = {name: ignored[name] or _UNUSED.get(name) for name in rest}
    wrong += [name for name, reason in ignored.items() if reason is None]
    if wrong:
        raise ValueError(
            f'{len(wrong)} tensors would not survive the way back: '
            f'{", ".join(wrong[:12])}. This version does not know the file.')
    return Part(form, *name_part(form, file), weights, rest, ignored, options)


def split(form: str, state: Mapping[str, Tensor],
          averaged: bool = True) -> list[Part]:
    """Convert a published state dict.

    Args:
        form: Its format.
        state: Published names; it is not changed.
        averaged: Of a file with both, take the averaged weights or the live
            ones.

    Returns:
        The part that the file is named for, then the frozen ones inside.

    Raises:
        ValueError: A tensor is not explained, or no tensor.
    """
    others = [name for name, value in state.items()
              if not isinstance(value, Tensor)]
    if others:
        raise ValueError(f'Among its weights are values that are no tensors: '
                         f'{", ".join(map(str, others[:12]))}.')
    own, inside = dict(state), []
    for start, (part, prefix) in FORMATS[form].embedded.items():
        found = {name: own[name] for name in state if name.startswith(start)}
        if not found or (part == 'mocov3'
                         and start + 'head.1.running_mean' not in found):
            continue  # none, or one of another kind, which stays as rest
        own = {name: own[name] for name in own if name not in found}
        found = {prefix + name.removeprefix(start): value
                 for name, value in found.items()}
        inside.append(_convert(part, found, found, True))
    return [_convert(form, state, own, averaged), *inside]


def join(parts: list[Part]) -> dict[str, Tensor]:
    """The published state dict of parts as :func:`split` returns them.

    The first is what the file is named for; of the others only the weights
    are in such a file.
    """
    main, *inside = parts
    state = _function(main.form, 'to_published')(main.weights,
                                                 **main.options) | main.rest
    for start, (form, prefix) in FORMATS[main.form].embedded.items():
        for part in inside:
            if part.form == form:
                names = _function(form, 'to_published')(part.weights)
                state |= {start + name.removeprefix(prefix): value
                          for name, value in names.items()}
    return state
