"""Reading a saved folder: checked first, and nothing in it is executed."""
import contextlib
import os
import re
from collections.abc import Iterator

from mmengine.config import Config
from torch.nn.modules.module import (
    register_module_parameter_registration_hook,
)

from rcg.apis.saved.content import (
    FILES,
    FORMAT,
    GENERATOR,
    INDEX,
    WEIGHTS,
    what_is_unsafe,
)
from rcg.checkpoint import CheckpointError, file_sha256
from rcg.files import open_regular, read_json

# What the index tells, and of which type.
_TOLD = dict(format=int, rcg=str, model=dict, float32=str, pipeline=list,
             bits=int, classes=(list, type(None)), modules=list, license=str,
             files=dict)
_SLACK = 1 << 20  # bytes


def is_saved(path: str | os.PathLike) -> bool:
    """Whether a path is a folder of ``save_pretrained``."""
    return os.path.isfile(os.path.join(path, INDEX))


def read_saved(folder: str | os.PathLike) -> tuple[Config, str, dict]:
    """Read and check a saved folder.

    Every file must have the size and hash that the index tells, and the
    config must be data alone: see :mod:`rcg.apis.saved.content`.

    Args:
        folder: Of ``save_pretrained``, from anybody.

    Returns:
        A config whose parts load their files in the folder, the file of the
        generator, and what else the index tells.

    Raises:
        FileNotFoundError: It is no such folder.
        CheckpointError: A file is missing, damaged or another one, or the
            index wants something that is not allowed.
    """
    folder = os.path.abspath(os.path.expanduser(os.fspath(folder)))
    if not is_saved(folder):
        raise FileNotFoundError(f"'{folder}' is no saved model: it holds no "
                                f'{INDEX}.')
    try:
        index = read_json(os.path.join(folder, INDEX))
        _check_index(index)
        for name, told in index['files'].items():
            _check_file(os.path.join(folder, name), told)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"The saved model '{folder}' was refused: "
                              f'{error}') from error
    model = _placed(index['model'], folder)
    cfg = Config(dict(default_scope='rcg', model=model,
                      env_cfg=dict(float32=index['float32'])))
    return cfg, os.path.join(folder, GENERATOR), index


def _check_index(index: dict) -> None:
    for name, kind in _TOLD.items():
        if not isinstance(index.get(name), kind):
            raise ValueError(f'{INDEX} has no valid {name!r}.')
    if index['format'] != FORMAT:
        raise ValueError(f'its format is {index["format"]}, this version of '
                         f'rcg reads {FORMAT}: install a newer one.')
    if index['float32'] not in ('high', 'highest'):
        raise ValueError(f"float32 must be 'high' or 'highest', got "
                         f'{index["float32"]!r:.80}.')
    if not 8 <= index['bits'] <= 16:
        raise ValueError(f'bits must be from 8 to 16, got {index["bits"]}.')
    if unsafe := what_is_unsafe(index['model'], index['pipeline']):
        hint = ', '.join(filter(str.isidentifier, map(str, index['modules'])))
        raise ValueError(f'{unsafe}.' + (
            f' Its author imported {hint}: if you trust these modules, import '
            'them before.' if hint else ''))
    files = index['files']
    if unknown := [name for name in files if name not in FILES]:
        raise ValueError(f'it lists {unknown[0]!r:.80}, which is no file of '
                         'a saved model.')
    wanted = {GENERATOR, *_named(index['model'])}
    if missing := sorted(wanted - files.keys()):
        raise ValueError(f'it does not list {missing[0]}.')
    _check_classes(index['classes'])


def _check_classes(classes: list | None) -> None:
    for names in classes or ():
        if not (isinstance(names, list) and names
                and all(isinstance(name, str) for name in names)):
            raise ValueError(f'{INDEX} has no valid class names.')


def _named(value) -> Iterator[str]:
    """The weights that a config names."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == 'checkpoint':
                yield inner
            else:
                yield from _named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner)


def _check_file(path: str, told) -> None:
    name = os.path.basename(path)
    if not (isinstance(told, dict) and isinstance(told.get('bytes'), int)
            and re.fullmatch('[0-9a-f]{64}', str(told.get('sha256')))):
        raise ValueError(f'{INDEX} has no valid size and hash of {name}.')
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise ValueError(f'{name} is missing. Copy or download it again.'
                         ) from None
    if size != told['bytes']:
        raise ValueError(f'{name} has {size:,} bytes, {told["bytes"]:,} are '
                         'wanted. Copy or download it again.')
    found = file_sha256(path)
    if found != told['sha256']:
        raise ValueError(
            f'{name} has the SHA-256 {found[:12]}..., '
            f'{told["sha256"][:12]}... is wanted: it is damaged, or another '
            'file. Copy or download it again.')


def _placed(value, folder: str):
    """A config that names the weights by their whole paths."""
    if isinstance(value, dict):
        return {key: os.path.join(folder, inner) if key == 'checkpoint'
                else _placed(inner, folder) for key, inner in value.items()}
    if isinstance(value, list):
        return [_placed(inner, folder) for inner in value]
    return value


@contextlib.contextmanager
def as_large_as_its_files(folder: str, index: dict) -> Iterator[None]:
    """Refuse, while a saved model is built, what the weights cannot be of.

    A few bytes of a config can ask for any amount of memory. A parameter is
    counted before it is filled, so the memory is not in use yet. Errors of
    building become sentences.

    Raises:
        CheckpointError: It cannot be built.
    """
    held = sum(told['bytes'] for name, told in index['files'].items()
               if name in WEIGHTS)
    limit, total = 2 * held + _SLACK, 0  # a part may replace a layer

    def count(module, name, parameter) -> None:
        nonlocal total
        if parameter is not None:
            total += parameter.numel() * parameter.element_size()
        if total > limit:
            raise CheckpointError(
                'its config asks for more parameters than its files hold '
                f'({held:,} bytes)')

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:  # it is a stranger's, whatever is wrong
        text = ' '.join(str(error).split())[:400]
        raise CheckpointError(
            f"The saved model '{folder}' cannot be built: {text}") from error
    finally:
        hook.remove()
