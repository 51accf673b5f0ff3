"""From converted parts back to a published file."""
import os
from collections.abc import Sequence
from pathlib import Path

from rcg.checkpoint import (
    REST,
    CheckpointError,
    find_weights,
    open_safetensors,
    read_checkpoint,
    save_atomically,
)
from rcg.converters.formats import FORMATS
from rcg.converters.parts import Part, digest, join
from rcg.files import parse_json

# Metadata of a converted file, strings all of them.
_NOTED = ('dropped', 'source', 'source_key', 'config_name', 'inside',
          'options')


def publish(parts: Sequence[str], out: str) -> int:
    """Join converted files to the published file that they came from.

    Args:
        parts: Files that :func:`rcg.converters.convert` wrote, all of one
            published file, in any order.
        out: The file to write; .safetensors, or as PyTorch writes it.

    Returns:
        The number of its tensors, each equal to the original to the bit.

    Raises:
        CheckpointError: The files are not the parts of one published file.
        FileExistsError: ``out`` exists.
    """
    if os.path.exists(out):
        raise FileExistsError(f"'{out}' exists; give another name.")
    files = [read_part(path) for path in parts]
    # The part that lists what was inside of it comes first.
    files.sort(key=lambda file: file[1]['inside'] == '{}')
    (main, told), *others = files
    inside = _parse(main.stem, told['inside'], str)
    found = {part.format: part for part, _ in others}
    if found.keys() != inside.keys() or len(others) != len(found):
        raise CheckpointError(
            f'{told["source"]}, the source of {main.stem}, was split into '
            f'{[main.format, *inside]}; the files given are '
            f'{[main.format, *(part.format for part, _ in others)]}. Give '
            'one of each.')
    for name, part in found.items():
        if digest(part.weights) != inside[name]:
            raise CheckpointError(
                f'{part.stem} holds other weights than the {name} in '
                f'{told["source"]}.')
    state = join([main, *(found[name] for name in inside)])
    nested = {told['source_key']: state} if told['source_key'] else state
    save_atomically(state if out.endswith('.safetensors') else nested, out)
    return len(state)


def read_part(path: str) -> tuple[Part, dict[str, str]]:
    """A converted file as a part, and its metadata.

    Raises:
        CheckpointError: It was not written by ``convert``, or lacks what the
            way back needs.
    """
    content = read_checkpoint(path)
    told = content.get('meta') or {}
    if path.endswith('.safetensors'):
        with open_safetensors(path) as file:
            told = file.metadata() or {}
    if told.get('format') not in FORMATS:
        raise CheckpointError(f"'{path}' was not written by "
                              'tools/convert_checkpoint.py, which records '
                              'what the conversion back needs.')
    lacking = [name for name in _NOTED
               if not isinstance(told.get(name), str)]
    if lacking:
        raise CheckpointError(f"'{path}' lacks records that the conversion "
                              f'back needs ({", ".join(lacking)}): convert '
                              'the original file again.')
    if told['dropped'] != '0':
        raise CheckpointError(
            f"'{path}' was written with --lean: {told['dropped']} tensors of "
            f'{told["source"]} are not in it. Convert that file again '
            'without --lean.')
    state = find_weights(content)[1]
    rest = {name.removeprefix(REST): value for name, value in state.items()
            if name.startswith(REST)}
    prefix = FORMATS[told['format']].prefix
    weights = {name.removeprefix(prefix): value
               for name, value in state.items()
               if not name.startswith(REST)}
    options = _parse(path, told['options'], bool)
    return Part(told['format'], Path(path).stem, told['config_name'],
                weights, rest, options=options), told


def _parse(path: str, text: str, kind: type) -> dict:
    """A dict, from JSON, whose values are of one type."""
    try:
        content = parse_json(text)
    except ValueError as error:
        raise CheckpointError(f"the metadata of '{path}' are damaged: "
                              f'{error}') from error
    if not all(type(value) is kind for value in content.values()):
        raise CheckpointError(f"the metadata of '{path}' are damaged: "
                              f'{text[:80]!r}')
    return content
