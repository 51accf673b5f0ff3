"""Parts -> published file: what convert_checkpoint.py --to-published does."""
import json
import os
from pathlib import Path

from safetensors import safe_open

from rcg.checkpoint import (
    REST,
    CheckpointError,
    find_weights,
    read_checkpoint,
    save_atomically,
)
from rcg.converters.formats import FORMATS
from rcg.converters.parts import Part, digest, join


def read_part(path: str) -> tuple[Part, dict[str, str]]:
    """A converted file and what it tells about itself."""
    content = read_checkpoint(path)
    told = content.get('meta') or {}
    if path.endswith('.safetensors'):
        with safe_open(path, 'pt') as file:
            told = file.metadata() or {}
    if told.get('format') not in FORMATS:
        raise CheckpointError(f"'{path}' was not written by "
                              'tools/convert_checkpoint.py, which notes what '
                              'the way back needs.')
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
    return Part(told['format'], Path(path).stem, told['config_name'],
                weights, rest, options=json.loads(told['options'])), told


def publish(paths: list[str], out: str) -> int:
    """Join parts to a published file; the number of its tensors."""
    if os.path.exists(out):
        raise FileExistsError(f"'{out}' exists; give another name.")
    read = sorted(map(read_part, paths), key=lambda x: x[1]['inside'] == '{}')
    (main, told), *others = read
    inside = json.loads(told['inside'])
    found = {part.form: part for part, _ in others}
    if found.keys() != inside.keys() or len(others) != len(found):
        raise CheckpointError(
            f'{told["source"]}, the source of {main.stem}, was split into '
            f'{[main.form, *inside]}; the files given are '
            f'{[main.form, *(part.form for part, _ in others)]}. Give one of '
            'each.')
    for form, part in found.items():
        if digest(part.weights) != inside[form]:
            raise CheckpointError(
                f'{part.stem} holds other weights than the {form} in '
                f'{told["source"]}.')
    state = join([main, *(found[form] for form in inside)])
    nested = {told['source_key']: state} if told['source_key'] else state
    save_atomically(state if out.endswith('.safetensors') else nested, out)
    return len(state)
