"""Published file -> parts: what tools/convert_checkpoint.py does."""
import dataclasses
import json
import os
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
)
from rcg.checkpoint.foreign import read_foreign
from rcg.converters.formats import FORMATS, recognize
from rcg.converters.parts import Part, digest, same_bits, split
from rcg.engine import load_config
from rcg.engine.config import without_weights
from rcg.registry import ENCODERS, MODELS, TOKENIZERS

ROLES = {  # all others are encoders
    **dict.fromkeys(('mage', 'adm', 'ldm', 'dit'), 'generator'),
    **dict.fromkeys(('vqgan', 'vq_f8', 'kl_f8', 'kl_f8_diffusers'),
                    'tokenizer'),
    'rdm': 'rdm',
}
_AVERAGES = 'model_ema'  # has no value in other published files


@dataclasses.dataclass
class Published:
    """A published file: where its weights are, what else is there, parts."""
    key: str
    others: list[str]
    form: str
    parts: list[Part]


def role(part: Part) -> str:
    return ROLES.get(part.form, 'encoder')


def read(path: str, form: str | None, averaged: bool) -> Published:
    """Read and convert a file; ``form`` overrules what it looks like.

    ``averaged`` is for files that hold averages: beside the live weights, or
    (ADM, DiT) as another entry.
    """
    if form not in (None, *FORMATS):
        raise ValueError(f'--format {form}: known are {", ".join(FORMATS)}.')
    content = read_foreign(path)
    key, state = find_weights(content)
    if averaged and content.get(_AVERAGES):
        key, state = _AVERAGES, content[_AVERAGES]
    others = [str(name) for name in content if key and name != key]
    try:
        form = form or recognize(state)
        return Published(key, others, form, split(form, state, averaged))
    except (ValueError, KeyError) as error:
        raise CheckpointError(f"'{path}': {error.args[0]}") from error


def check(part: Part, config: str) -> None:
    """See that names and shapes are those of the config's model.

    Raises:
        FileNotFoundError: There is no such config.
        CheckpointError: They are not.
    """
    cfg = without_weights(load_config(config).to_dict())
    frozen = dict.fromkeys(('encoder', 'tokenizer', 'rdm'))
    with DefaultScope.overwrite_default_scope('rcg'), torch.device('meta'):
        if role(part) == 'encoder':
            model = ENCODERS.build(cfg['encoder'])
        elif role(part) == 'tokenizer':
            model = TOKENIZERS.build(cfg['tokenizer'])
        else:
            model = MODELS.build({
                name: frozen.get(name, value)
                for name, value in cfg['model'].items()})
    check_fit(model, part.named(lean=True), config)


def is_there(part: Part, path: Path, lean: bool) -> bool:
    """Whether a file holds this part already.

    Raises:
        FileExistsError: It holds something else.
    """
    if not path.exists():
        return False
    content = read_checkpoint(str(path))
    theirs, own = weights_of(content), part.named(lean=True)
    if own.keys() != theirs.keys() or not all(
            same_bits(own[name], theirs[name]) for name in own):
        raise FileExistsError(
            f"'{path}' exists and holds other weights. Give another folder "
            'or file with --out, or remove it.')
    return part.named(lean).keys() <= find_weights(content)[1].keys()


def write(published: Published, source: str, paths: list[Path],
          lean: bool) -> list[bool]:
    """Write the parts that are not there; which of them were written."""
    wanted = [not is_there(part, path, lean)
              for part, path in zip(published.parts, paths, strict=True)]
    inside = {part.form: digest(part.weights)
              for part in published.parts[1:]}
    sha256 = file_sha256(source)
    for i, (part, path) in enumerate(zip(published.parts, paths,
                                         strict=True)):
        metadata = {
            'format': part.form, 'part': role(part),
            'source': os.path.basename(source), 'source_sha256': sha256,
            'source_key': '' if i else published.key,
            'config_name': part.config, 'options': json.dumps(part.options),
            'inside': json.dumps({} if i else inside),
            'dropped': str(len(part.rest) if lean else 0),
            'rcg_version': rcg.__version__}
        if not wanted[i]:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        tensors = part.named(lean)
        if path.suffix == '.safetensors':
            save_atomically(tensors, str(path), metadata)
        else:  # copies: torch.save would write all of a shared storage
            save_atomically({'meta': metadata, 'state_dict': {
                name: value.clone() for name, value in tensors.items()
            }}, str(path))
    return wanted
