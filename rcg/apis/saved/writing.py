"""Writing a folder that holds a whole model."""
import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

import rcg
from rcg.apis.json_file import write_json
from rcg.apis.saved.card import write_card
from rcg.apis.saved.content import (
    FORMAT,
    GENERATOR,
    INDEX,
    LICENSE,
    METRICS,
    PARTS,
    loads_by_itself,
    what_is_unsafe,
)
from rcg.checkpoint import file_sha256, open_atomically, save_atomically
from rcg.engine.configs.loading import without_weights
from rcg.engine.frozen_parts import frozen_parts
from rcg.files import MAX_JSON_BYTES, parse_json, read_regular
from rcg.registry import type_name

UNKNOWN = 'unknown'  # a license that nobody named


@dataclass
class About:
    """What a saved model tells besides its weights.

    Attributes:
        cfg: Config of the model.
        pipeline, bits: See :class:`~rcg.apis.inference.given.ImageReader`.
        classes: All names of each class.
        modules: What has to be imported before its classes are known.
        float32: See :func:`rcg.precision.set_float32`.
        license: An identifier such as 'apache-2.0', or a file of its text.
        metrics: Scores with their protocol, as tools/test.py writes them.
    """
    cfg: dict
    pipeline: Sequence[dict] = ()
    bits: int = 16
    classes: list[list[str]] | None = None
    modules: Sequence[str] = ()
    float32: str = 'high'
    license: str = UNKNOWN
    metrics: dict | None = None


def save_model(folder: str, model: nn.Module, about: About,
               name: str | None = None) -> None:
    """Write a model so that no other file is needed; all of it or nothing.

    Args:
        folder: The new folder.
        model: An RCG, with the weights that it samples with.
        about: What else is told.
        name: Of the model; by default that of the folder.

    Raises:
        FileExistsError: There is something in the folder.
        ValueError: A part cannot be saved; the license is none.
    """
    text, parts = _license_text(about.license), _parts(model)
    config = _as_data(_config(about.cfg, parts))
    pipeline = _as_data(list(about.pipeline))
    if unsafe := what_is_unsafe(config, pipeline):
        raise ValueError('this model cannot be saved so that others may load '
                         f'it: {unsafe}.')
    with _appearing(folder) as made:
        _write_files(made, model, parts, about.metrics, text)
        index = dict(
            format=FORMAT, rcg=rcg.__version__,
            license=about.license if text is None else 'other', model=config,
            float32=about.float32, pipeline=pipeline, bits=about.bits,
            classes=about.classes, modules=list(about.modules),
            files={path.name: dict(bytes=path.stat().st_size,
                                   sha256=file_sha256(str(path)))
                   for path in sorted(made.iterdir())})
        write_card(made, name or os.path.basename(os.path.abspath(folder)),
                   index, about.metrics)
        write_json(index, made / INDEX)


@contextlib.contextmanager
def _appearing(folder: str) -> Iterator[Path]:
    """A folder to write to, which has its name when all is written.

    Raises:
        FileExistsError: There is something of that name.
    """
    target = Path(os.path.abspath(os.path.expanduser(folder)))
    if target.exists() and not (target.is_dir()
                                and not any(target.iterdir())):
        raise FileExistsError(f"'{target}' exists and is not empty: remove "
                              'it, or give another name.')
    target.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f'.{target.name}.', suffix='.part',
                                 dir=target.parent))
    try:
        yield made
        made.chmod(0o777 & ~_umask())  # mkdtemp's are private
        os.replace(made, target)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def _parts(model: nn.Module) -> dict[str, nn.Module]:
    """Frozen parts by path; the encoder that only trained an RDM is none.

    Raises:
        ValueError: There is a part of an unknown role.
    """
    found = {name: part.module for name, part in frozen_parts(model).items()
             if not name.startswith('rdm.')}
    if unknown := [name for name in found if name not in PARTS]:
        raise ValueError(f'the part {unknown[0]!r} cannot be saved; known '
                         f'are {", ".join(PARTS)}.')
    return found


def _config(cfg: dict, parts: dict[str, nn.Module]) -> dict:
    """The config of a model whose parts load the files of its folder."""
    model = _plain(without_weights(dict(cfg)))
    if isinstance(model.get('rdm'), dict):
        model['rdm'].pop('encoder', None)
    for name in parts:
        file, place = PARTS[name]
        part = model
        for key in place:
            part = part[key]
        part['checkpoint'] = file
        if name == 'generator.guide':  # else it would have the network's
            part['prefix'] = ''
    return model


def _plain(value):
    """Names for classes; nothing that loads weights from elsewhere."""
    if isinstance(value, dict):
        value = {key: _plain(inner) for key, inner in value.items()
                 if key != 'init_cfg'}
        if value.get('type') is not None:
            value['type'] = type_name(value)
            if loads_by_itself(value['type']):
                value['pretrained'] = False
    elif isinstance(value, (list, tuple)):
        value = [_plain(inner) for inner in value]
    return value


def _as_data(value):
    """What JSON makes of it.

    Raises:
        ValueError: It holds what is no data.
    """
    try:
        return parse_json(json.dumps(value), object)
    except TypeError as error:
        raise ValueError('the config of this model is not plain data '
                         f'({error}): use only numbers, names and lists.'
                         ) from error


def _write_files(folder: Path, model: nn.Module, parts: dict[str, nn.Module],
                 metrics: dict | None, license_text: bytes | None) -> None:
    modules = {GENERATOR: model} | {
        PARTS[name][0]: part for name, part in parts.items()}
    for file, module in modules.items():
        state = {name: value.detach().cpu()
                 for name, value in module.state_dict().items()}
        save_atomically(state, str(folder / file))
    if metrics is not None:
        write_json(metrics, folder / METRICS)
    if license_text is not None:
        with open_atomically(str(folder / LICENSE)) as file:
            file.write(license_text)


def _license_text(license: str) -> bytes | None:
    """The text of a license file; None for an identifier.

    Raises:
        ValueError: It is neither.
    """
    if os.path.isfile(license):
        return read_regular(license, MAX_JSON_BYTES)
    if not re.fullmatch('[a-z0-9][a-z0-9.-]{0,39}', license):
        raise ValueError("license must be an identifier such as 'apache-2.0' "
                         f"or 'cc-by-4.0', or a text file, got '{license}'.")
    return None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
