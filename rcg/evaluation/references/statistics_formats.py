"""Formats of files of statistics: npz, EDM2's pickles, torch-fidelity's.

The arrays have ADM's names: ``mu`` and ``sigma`` of features, ``mu_s`` and
``sigma_s`` of spatial features. ``features`` are those of single images.
Nothing in a file is executed.
"""
import functools
import io
import json
import os
import pickle

import numpy as np
import torch

from rcg.checkpoint import (
    file_sha256,
    inert,
    open_atomically,
    open_safetensors,
    read_checkpoint,
)
from rcg.checkpoint.reading import read_values
from rcg.datasets.npz import array_names, read_arrays
from rcg.evaluation.references.reference import MOMENTS
from rcg.files import parse_json, read_regular

NAMES = 'mu', 'sigma', 'mu_s', 'sigma_s', 'features'


def read(path: str, section: str = 'fid') -> tuple[dict, dict]:
    """Read a file of statistics.

    Args:
        path: ``.npz``, ``.pkl``, ``.pt`` or ``.safetensors``.
        section: What to take of an EDM2 pickle: 'fid' or 'fd_dinov2'.

    Returns:
        Arrays by name, and what the file says about itself.

    Raises:
        ValueError, CheckpointError: It is damaged, or holds something else.
    """
    ending = os.path.splitext(path)[1]
    if ending not in _READERS:
        raise ValueError(f"'{path}' is no file of statistics: these end in "
                         f'{", ".join(_READERS)}.')
    try:
        content, about = _READERS[ending](path)
    except (pickle.UnpicklingError, EOFError, MemoryError) as error:
        raise ValueError(f"'{path}' is damaged, truncated, or of another "
                         f'format ({error}).') from error
    if isinstance(content.get(section), dict):
        content = content[section]
    found = {name: _array(path, content[name]) for name in NAMES
             if content.get(name) is not None}
    if not found:
        raise ValueError(f"'{path}' has none of {', '.join(NAMES)}, but "
                         f'{_named(content)}. (An EDM2 pickle '
                         'has sections: --section.)')
    _check_arrays(path, found)
    return found, about


def write(path: str, arrays: dict[str, np.ndarray], about: dict,
          section: str = 'fid') -> None:
    """Write a file of statistics.

    Args:
        path: Its ending chooses the format: ``.npz``, ``.pkl`` (EDM2) or
            ``.pt`` (torch-fidelity). The last two hold mu and sigma alone.
        arrays: By name.
        about: What they were made of; only npz files hold it.
        section: Of an EDM2 pickle.

    Raises:
        ValueError: The ending is another one.
    """
    ending = os.path.splitext(path)[1]
    if ending == '.npz':
        content = io.BytesIO()
        np.savez(content, about=json.dumps(about), **arrays)
    elif ending in ('.pkl', '.pt'):
        pair = {name: arrays[name] for name in ('mu', 'sigma')}
        content = io.BytesIO()
        if ending == '.pkl':  # as EDM2 has it
            pickle.dump({section: pair}, content, protocol=4)
        else:  # torch-fidelity compares types: its means are float32
            torch.save(pair | {'mu': pair['mu'].astype(np.float32)}, content)
    else:
        raise ValueError(f"cannot write '{path}': name it .npz (all that "
                         'there is), .pkl (EDM2) or .pt (torch-fidelity).')
    with open_atomically(path) as file:
        file.write(content.getvalue())


@functools.lru_cache(maxsize=4)  # metrics share what is read
def read_npz(path: str, *_) -> tuple[dict, dict]:
    """Read an npz file, and check its moments.

    Args:
        path: The file.
        _: What changes when the file does, see :func:`file_stamp`.

    Returns:
        Arrays by name (those of no use here are None), and what the file
        says about itself.

    Raises:
        OSError: It cannot be read.
        ValueError: It is damaged, or holds something else.
    """
    wanted = {'features', 'about', *sum(MOMENTS.values(), ())}
    content = dict.fromkeys(array_names(path)) | read_arrays(path, wanted)
    about = about_of(path, str(content.pop('about', '{}')))
    _check_arrays(path, content)
    return content, {'sha256': file_sha256(path), **about}


def about_of(path: str, text: str) -> dict:
    """What a file of ours says about itself.

    Raises:
        ValueError: It is not what :func:`write` writes.
    """
    try:
        about = parse_json(text)
    except ValueError as error:
        raise ValueError(f"'{path}' is no npz file of statistics of ours: "
                         f'in its description, {error} Make it again.'
                         ) from error
    size = about.get('image_size')
    if not isinstance(about.get('extractor') or {}, dict) or not (
            size is None or (isinstance(size, list) and len(size) == 2
                             and all(type(side) is int for side in size))):
        raise ValueError(f"'{path}' describes its extractor or the size of "
                         'its images in an unknown way. Make it again.')
    return about


def _check_arrays(path: str, content: dict) -> None:
    """See that moments and features are finite numbers that fit together.

    Raises:
        ValueError: They are not.
    """
    for mean, covariance in MOMENTS.values():
        pair = [content.get(mean), content.get(covariance)]
        missing = [array is None for array in pair]
        if all(missing):
            continue
        if any(missing) or not (
                _are_numbers(pair[0], 1) and _are_numbers(pair[1], 2)
                and pair[1].shape == 2 * pair[0].shape):
            got = ['nothing' if array is None else array.shape
                   for array in pair]
            raise ValueError(
                f"'{path}': {mean} and {covariance} must be finite real "
                f'numbers, (D,) and (D, D), got {got[0]} and {got[1]}. Copy '
                'or download it again.')
    features = content.get('features')
    if features is not None and not _are_numbers(features, 2):
        raise ValueError(f"'{path}': features must be finite numbers (N, D), "
                         f'got {features.shape} {features.dtype}. Make it '
                         'again.')


def _are_numbers(array: np.ndarray, dims: int) -> bool:
    return (array.ndim == dims and array.dtype.kind in 'fiu'
            and array.size > 0
            # A thousand rows at a time: there may be a million.
            and all(np.isfinite(array[i:i + 1000]).all()
                    for i in range(0, len(array), 1000)))


def _named(content: dict) -> list[str]:
    """The first names in a file, each cut short."""
    return sorted(str(name)[:80] for name in content)[:8]


def _read_pickle(path: str) -> tuple[dict, dict]:
    content = inert.load(io.BytesIO(read_regular(path, inert.MAX_BYTES)))
    if not isinstance(content, dict):
        raise pickle.UnpicklingError('it holds no dict')
    return content, {}


def _read_torch(path: str) -> tuple[dict, dict]:
    content = read_values(path)
    if isinstance(content, torch.Tensor):  # torch-fidelity's features
        content = {'features': content}
    if not isinstance(content, dict):
        raise pickle.UnpicklingError(f'it holds a {type(content).__name__}')
    return content, {}


def _read_own(path: str) -> tuple[dict, dict]:
    content = read_checkpoint(path)
    with open_safetensors(path) as file:
        about = (file.metadata() or {}).get('about', '{}')
    return content, about_of(path, about)


# Not the cached function: this path may hold another file by now.
_READERS = {'.npz': read_npz.__wrapped__, '.pkl': _read_pickle,
            '.pt': _read_torch, '.safetensors': _read_own}


def _array(path: str, value) -> np.ndarray:
    """An array, also from what the inert unpickler puts in its place."""
    if isinstance(value, np.ndarray):
        return value
    try:
        if isinstance(value, torch.Tensor):
            return value.numpy()
        _, shape, dtype, fortran, raw = value.state
        kind = dtype.state[1] + dtype.args[0]
        if (not value.path.endswith('multiarray._reconstruct')
                or dtype.path != 'numpy.dtype' or kind not in ('<f4', '<f8')):
            raise ValueError
        return np.frombuffer(raw, kind).reshape(
            shape, order='F' if fortran else 'C')
    except Exception as error:  # a crafted state may be of any type
        raise ValueError(
            f"'{path}' pickles something else than arrays of floats, or with "
            'a protocol other than 3 and 4; save it as npz.') from error
