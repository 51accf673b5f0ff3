"""From a published file to parts, each in a file of its own."""
import collections
import dataclasses
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from mmengine.registry import DefaultScope

import rcg
from rcg.checkpoint import (
    CheckpointError,
    check_fit,
    file_sha256,
    find_weights,
    read_checkpoint,
    save_atomically,
    weights_of,
    with_current_names,
)
from rcg.checkpoint.foreign import read_foreign
from rcg.converters.formats import FORMATS, recognize
from rcg.converters.parts import Part, digest, same_bits, split
from rcg.engine import find_config, load_config
from rcg.engine.configs.loading import without_weights
from rcg.registry import ENCODERS, MODELS, TOKENIZERS

SUFFIXES = ('.pth', '.safetensors')
_AVERAGES = 'model_ema'  # is empty in files that hold no averages


@dataclasses.dataclass
class ConvertedFile:
    """What a published file held, and where it went.

    Attributes:
        source: Path of the published file.
        key: Its entry that holds the weights; '' if it is a bare state dict.
        others: Its other entries, which are left out.
        format: Its format, a key of ``FORMATS``.
        parts: The part it is named for, then the frozen ones inside.
        unchecked: Names of the parts that no config of this project fits.
        paths: The file of each part.
        written: Whether a part was written; False: it was there already.
    """
    source: str
    key: str
    others: list[str]
    format: str
    parts: list[Part]
    unchecked: list[str] = dataclasses.field(default_factory=list)
    paths: list[Path] = dataclasses.field(default_factory=list)
    written: list[bool] = dataclasses.field(default_factory=list)


def convert(path: str, out: str | None = None, *, format: str | None = None,
            averaged: bool = True, lean: bool = False,
            suffix: str = '.safetensors', config: str | None = None,
            verbose: bool = False, log: Callable[[str], None] | None = None
            ) -> ConvertedFile:
    """Convert a published file; check and write its parts.

    Args:
        path: The file. Nothing in it is executed.
        out: A folder, or (ending in one of ``SUFFIXES``) the file of the
            first part; the others go beside it. By default $RCG_WEIGHTS, or
            checkpoints/, where the configs look.
        format: A key of ``FORMATS``; by default told by the tensors.
        averaged: Of a file with averaged and live weights, take the former.
        lean: Leave out what this project does not use. There is no way back
            from such files.
        suffix: Ending of the files in a folder.
        config: Check the first part against this config, not against the
            one that belongs to its name.
        verbose: Log the names of all unused tensors.
        log: Called with lines that tell what was found, such as ``print``.

    Raises:
        CheckpointError: The file is damaged or of no known format, or a part
            does not fit its config.
        FileExistsError: A file to be written exists with other weights.
        ValueError: There is no such format.
    """
    log = log or (lambda text: None)
    found = read(path, format, averaged)
    log(_title(found))
    _check_all(found, config, verbose, log)
    found.paths = _places(found.parts, out, suffix)
    found.written = write(found, lean)
    for file, new in zip(found.paths, found.written, strict=True):
        log(f'wrote {file}' if new else
            f'{file} is already there with the same weights')
    return found


def read(path: str, format: str | None = None,
         averaged: bool = True) -> ConvertedFile:
    """Read a published file and convert its tensors; write nothing.

    Arguments and errors are those of :func:`convert`. Averages stand beside
    the live weights, or (ADM, DiT) in an entry of their own.
    """
    if format not in (None, *FORMATS):
        raise ValueError(
            f'--format {format}: known are {", ".join(FORMATS)}.')
    content = read_foreign(path)
    key, state = find_weights(content)
    if averaged and content.get(_AVERAGES):
        key, state = _AVERAGES, content[_AVERAGES]
    others = [str(name) for name in content if key and name != key]
    try:
        format = format or recognize(state)
        return ConvertedFile(path, key, others, format,
                             split(format, state, averaged))
    except (ValueError, KeyError) as error:
        raise CheckpointError(f"'{path}': {error.args[0]}") from error


def check(part: Part, config: str) -> None:
    """Compare names and shapes with those of the config's model.

    Raises:
        FileNotFoundError: There is no such config.
        CheckpointError: They differ.
    """
    cfg = without_weights(load_config(config).to_dict())
    frozen = dict.fromkeys(('encoder', 'tokenizer', 'rdm'))
    with DefaultScope.overwrite_default_scope('rcg'), torch.device('meta'):
        if part.role == 'encoder':
            model = ENCODERS.build(cfg['encoder'])
        elif part.role == 'tokenizer':
            model = TOKENIZERS.build(cfg['tokenizer'])
        else:
            model = MODELS.build({
                name: frozen.get(name, value)
                for name, value in cfg['model'].items()})
    check_fit(model, part.named(lean=True), config)


def write(converted: ConvertedFile, lean: bool) -> list[bool]:
    """Write the parts that are not there yet; return which were written.

    Raises:
        FileExistsError: A file holds something else. Nothing is written.
    """
    pairs = list(zip(converted.parts, converted.paths, strict=True))
    wanted = [not _is_there(part, path, lean) for part, path in pairs]
    name = os.fsencode(os.path.basename(converted.source))
    common = {'source': name.decode(errors='backslashreplace'),
              'source_sha256': file_sha256(converted.source),
              'rcg_version': rcg.__version__}
    inside = {part.format: digest(part.weights)
              for part in converted.parts[1:]}
    for i, (part, path) in enumerate(pairs):
        metadata = {
            **common, 'format': part.format, 'part': part.role,
            'source_key': '' if i else converted.key,
            'config_name': part.config, 'options': json.dumps(part.options),
            'inside': json.dumps({} if i else inside),
            'dropped': str(len(part.rest) if lean else 0)}
        if wanted[i]:
            _save(part.named(lean), path, metadata)
    return wanted


def _save(tensors: dict, path: Path, metadata: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == '.safetensors':
        save_atomically(tensors, str(path), metadata)
    else:  # copies: torch.save would write all of a shared storage
        save_atomically({'meta': metadata, 'state_dict': {
            name: value.clone() for name, value in tensors.items()
        }}, str(path))


def _is_there(part: Part, path: Path, lean: bool) -> bool:
    """Whether a file holds this part already.

    Raises:
        FileExistsError: It holds something else.
    """
    if not path.exists():
        return False
    content = read_checkpoint(str(path))
    own = part.named(lean=True)
    theirs = with_current_names(weights_of(content), own)
    if own.keys() != theirs.keys() or not all(
            same_bits(own[name], theirs[name]) for name in own):
        raise FileExistsError(
            f"'{path}' exists and holds other weights. Give another folder "
            'or file with --out, or remove it.')
    return part.named(lean).keys() <= find_weights(content)[1].keys()


def _check_all(found: ConvertedFile, config: str | None, verbose: bool,
               log: Callable[[str], None]) -> None:
    """Log what each part holds and which config it fits; note the unchecked.

    Raises:
        CheckpointError: A part does not fit its config.
    """
    for part in found.parts:
        for line in _report(part, verbose):
            log(line)
        fitting = _check(part, config if part is found.parts[0] else None)
        if fitting:
            log(f'  fits {fitting}: nothing missing, all shapes right')
        else:
            found.unchecked.append(part.stem)
    if found.unchecked:
        log('no config of this project has the size of '
            f'{", ".join(found.unchecked)}: missing tensors are not noticed '
            '(--config CONFIG checks)')


def _check(part: Part, config: str | None) -> str | None:
    """The config that a part fits; None if this project has none.

    Raises:
        FileNotFoundError: There is no such config, and it was asked for.
    """
    try:
        check(part, find_config(config or part.config))
    except FileNotFoundError:
        if config:
            raise
        return None
    return config or part.config


def _places(parts: list[Part], out: str | None, suffix: str) -> list[Path]:
    """The file of each part."""
    place = Path(out or os.environ.get('RCG_WEIGHTS') or 'checkpoints')
    if place.suffix not in SUFFIXES:
        return [place / (part.stem + suffix) for part in parts]
    return [place, *(place.parent / (part.stem + place.suffix)
                     for part in parts[1:])]


def _title(found: ConvertedFile) -> str:
    text = f'{found.source}: {FORMATS[found.format].title}'
    if found.key:
        text += f", weights under '{found.key}'"
    if found.others:
        text += f'; beside them, left out: {", ".join(found.others)}'
    return text


def _report(part: Part, verbose: bool) -> Iterator[str]:
    """How many tensors are used, and why the others are not."""
    yield (f'{part.stem}: {len(part.weights)} tensors used, '
           f'{len(part.ignored)} not')
    for reason, count in collections.Counter(part.ignored.values()).items():
        yield f'  {count:5} not used: {reason}'
        if verbose:
            yield from (f'        {name}' for name in part.ignored
                        if part.ignored[name] == reason)
