"""What a saved folder may hold: names of files, and a config as data."""
import inspect
import re
from collections.abc import Collection, Iterator

from rcg.registry import (
    ENCODERS,
    MODELS,
    PIXEL_GENERATORS,
    REPRESENTATION_DIFFUSERS,
    TASK_UTILS,
    TOKENIZERS,
    TRANSFORMS,
)

INDEX = 'rcg.json'  # says what the folder holds
FORMAT = 1  # of that file
GENERATOR = 'generator.safetensors'
# Frozen parts: file, and where the config of the model describes them.
PARTS = {
    'encoder': ('encoder.safetensors', ('encoder', )),
    'tokenizer': ('tokenizer.safetensors', ('tokenizer', )),
    'rdm': ('rdm.safetensors', ('rdm', )),
    'generator.guide': ('guide.safetensors',
                        ('generator', 'guidance', 'guide')),
}
WEIGHTS = (GENERATOR, *(file for file, _ in PARTS.values()))
CARD, LICENSE, METRICS = 'README.md', 'LICENSE', 'metrics.json'
FILES = (INDEX, CARD, LICENSE, METRICS, *WEIGHTS)

_BUILT = (MODELS, TASK_UTILS, ENCODERS, TOKENIZERS, REPRESENTATION_DIFFUSERS,
          PIXEL_GENERATORS)
# Keys that name code or files to MMEngine, to Frozen or to an encoder.
_REFUSED = 'init_cfg', 'custom_imports', '_scope_', '_base_', '_delete_'
_LARGEST = 10**7  # tables are as long as some numbers say
# Neither a path nor an address. No type with a dot, which MMEngine would
# import.
_TEXT = re.compile(r'[\w.+ -]{0,200}')


def what_is_unsafe(model, pipeline) -> str | None:
    """Why a config of a model must not be built; None if it may be.

    Only classes that a registry of ours holds are built. No string can be a
    path, an address or the name of a module, but for the weights of the
    folder.

    Args:
        model: Config of a model, as JSON gives it.
        pipeline: Configs of transforms.
    """
    known = {name for registry in _BUILT for name in _names(registry)}
    return (_unsafe(model, known, 'model')
            or _unsafe(pipeline, _names(TRANSFORMS), 'pipeline'))


def loads_by_itself(name: str) -> bool:
    """Whether a class would fetch weights unless told ``pretrained=False``.

    Args:
        name: Of a class of a registry of ours.
    """
    return any('pretrained' in inspect.signature(found).parameters
               for registry in _BUILT
               if (found := registry.module_dict.get(name)) is not None)


def _names(registry) -> set[str]:
    registry.import_from_location()
    return set(registry.module_dict)


def _unsafe(value, known: set[str], where: str) -> str | None:
    for place, key, inner in _entries(value, where):
        if key in _REFUSED or key == 'pretrained' and inner is not False:
            return f'{place} is not allowed there'
        if (isinstance(inner, dict) and _is_one(inner.get('type'), known)
                and inner.get('pretrained') is not False
                and loads_by_itself(inner['type'])):
            return f'{place}.pretrained must be False'
        if key == 'checkpoint' and not _is_one(inner, WEIGHTS):
            return (f'{place} is {inner!r:.80}, which is no file of a saved '
                    'model')
        if key == 'type' and not _is_one(inner, known):
            return f'{place} is {inner!r:.80}, which no registry of rcg holds'
        if isinstance(inner, (int, float)) and abs(inner) > _LARGEST:
            return f'{place} is {inner}, larger than {_LARGEST:,}'
        if key != 'checkpoint' and isinstance(inner, str) and (
                not _TEXT.fullmatch(inner)):
            return f'{place} is {inner!r:.80}, neither a name nor a number'
    return None


def _is_one(value, known: Collection[str]) -> bool:
    return isinstance(value, str) and value in known


def _entries(value, place: str) -> Iterator[tuple[str, str | None, object]]:
    """Place, key and value of all entries of dicts and lists in each other.

    Items of lists have no key.
    """
    stack = [(place, None, value)]
    while stack:
        place, key, value = stack.pop()
        yield place, key, value
        if isinstance(value, dict):
            stack += [(f'{place}.{name:.40}', name, inner)
                      for name, inner in value.items()]
        elif isinstance(value, (list, tuple)):
            stack += [(f'{place}[{i}]', None, inner)
                      for i, inner in enumerate(value)]
