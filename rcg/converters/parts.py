"""A published file as parts: the model it is named for, and frozen ones.

A part becomes one file here. It holds the tensors that our model uses, under
our names, and (unless it is lean) those that ours does not use, under
``published.{their name}``. So the way back is exact to the bit.
"""
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from rcg.checkpoint import REST
from rcg.converters.formats import FORMATS
from rcg.converters.naming import name_part

# Tensors that only some variants of a format use: why the others do not.
_UNUSED = {
    'fake_latent': 'null representation of a model without representations',
    'cond_stage_model.embedding.weight':
        'label embedding that this network does not look at',
    'y_embedder.embedding_table.weight':
        'label embedding of a model with representations',
    **dict.fromkeys(('rep_embedder.weight', 'rep_embedder.bias'),
                    'representation layer of a model with labels'),
}
# Option of ``{format}_to_published`` that restores names which only some
# files of the format have.
_SPELLINGS = {'mocov3': 'misnamed', 'kl_f8_diffusers': 'old_names'}


@dataclass
class Part:
    """One part of a published file.

    Attributes:
        format: A key of ``FORMATS``.
        stem: Name of its file here, without suffix.
        config: Path of the config that fits. There is no such file if the
            part has a size of its own.
        weights: Tensors that our model uses, under our names.
        rest: All others, under published names.
        ignored: Published name of each of ``rest``: why it is not used.
        options: Keyword arguments of ``{format}_to_published``.
    """
    format: str
    stem: str
    config: str
    weights: dict[str, Tensor]
    rest: dict[str, Tensor] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    options: dict[str, bool] = field(default_factory=dict)

    @property
    def role(self) -> str:
        """What it is in a model: encoder, tokenizer, rdm or generator."""
        return FORMATS[self.format].role

    def named(self, lean: bool = False) -> dict[str, Tensor]:
        """The tensors of its file, by name; without ``rest`` if lean."""
        prefix = FORMATS[self.format].prefix
        named = {prefix + name: value for name, value in self.weights.items()}
        return named if lean else named | {
            REST + name: value for name, value in self.rest.items()}


def _function(format: str, which: str) -> Callable:
    return getattr(FORMATS[format].converter, f'{format}_{which}')


def same_bits(a: Tensor, b: Tensor) -> bool:
    """Whether dtype, shape and every bit agree.

    Tensors on the meta device have no bits: there, the first two count.
    """
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


def _convert(format: str, file: Mapping[str, Tensor],
             state: Mapping[str, Tensor], averaged: bool) -> Part:
    """Convert the tensors of one part; check that the way back is exact.

    Args:
        format: Format of the part.
        file: All tensors of the file, those of frozen parts included.
        state: The tensors of this part.
        averaged: As in :func:`split`.

    Raises:
        ValueError: A tensor is not explained, or would change on the way
            back.
    """
    options = dict(averaged=averaged) if FORMATS[format].averages else {}
    reasons = _reasons(format, state, options)
    weights = _function(format, 'from_published')(file, **options)
    back = _function(format, 'to_published')(weights, **options)
    if format in _SPELLINGS and not back.keys() <= state.keys():
        options = {_SPELLINGS[format]: True}
        back = _function(format, 'to_published')(weights, **options)
    wrong = [name for name, value in back.items()
             if name not in state or not same_bits(value, state[name])]
    rest = {name: state[name] for name in state if name not in back}
    ignored = {name: reasons[name] or _UNUSED.get(name) for name in rest}
    wrong += [name for name, reason in ignored.items() if reason is None]
    if wrong:
        raise ValueError(
            f'{len(wrong)} tensors would change on conversion back: '
            f'{", ".join(wrong[:12])}. This version does not know the file.')
    return Part(format, *name_part(format, file), weights, rest, ignored,
                options)


def _reasons(format: str, state: Mapping[str, Tensor],
             options: dict[str, bool]) -> dict[str, str | None]:
    """Why each tensor is not used; None: it is used.

    Raises:
        ValueError: The format has no such tensor.
    """
    reasons, unknown = {}, []
    for name in state:
        try:
            reasons[name] = _function(format, 'ignored')(name, **options)
        except KeyError:
            unknown.append(name)
    if unknown:
        raise ValueError(
            f'{len(unknown)} of {len(state)} tensors are not explained: '
            f'{", ".join(unknown[:12])}. It looks like '
            f'{FORMATS[format].title}, but one of another version.')
    return reasons


def split(format: str, state: Mapping[str, Tensor],
          averaged: bool = True) -> list[Part]:
    """Convert a published state dict.

    Args:
        format: Its format, a key of ``FORMATS``.
        state: Tensors by published name; it is not changed.
        averaged: If there are both, take the averaged weights, not the live
            ones.

    Returns:
        The part that the file is named for, then the frozen ones inside.

    Raises:
        ValueError: A tensor is not explained, or a value is no tensor.
    """
    others = [name for name, value in state.items()
              if not isinstance(value, Tensor)]
    if others:
        raise ValueError(f'Among its weights are values that are no tensors: '
                         f'{", ".join(map(str, others[:12]))}.')
    own, inside = dict(state), []
    for start, (part, prefix) in FORMATS[format].embedded.items():
        found = {name: own[name] for name in state if name.startswith(start)}
        if not found or (part == 'mocov3'
                         and start + 'head.1.running_mean' not in found):
            continue  # none, or an encoder of another kind: it stays as rest
        own = {name: own[name] for name in own if name not in found}
        found = {prefix + name.removeprefix(start): value
                 for name, value in found.items()}
        inside.append(_convert(part, found, found, True))
    return [_convert(format, state, own, averaged), *inside]


def join(parts: list[Part]) -> dict[str, Tensor]:
    """The published state dict of parts as :func:`split` returns them.

    Of the frozen parts only the weights are in such a file.
    """
    main, *inside = parts
    state = _function(main.format, 'to_published')(main.weights,
                                                   **main.options)
    state |= main.rest
    for start, (format, prefix) in FORMATS[main.format].embedded.items():
        for part in inside:
            if part.format == format:
                names = _function(format, 'to_published')(part.weights)
                state |= {start + name.removeprefix(prefix): value
                          for name, value in names.items()}
    return state
