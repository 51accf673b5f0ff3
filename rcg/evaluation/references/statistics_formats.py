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
import zipfile
import zlib

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
from rcg.evaluation.references.reference import MOMENTS

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
    except (pickle.UnpicklingError, EOFError) as error:
        raise ValueError(f"'{path}' is damaged, truncated, or of another "
                         f'format ({error}).') from error
    if isinstance(content.get(section), dict):
        content = content[section]
    found = {name: _array(path, content[name]) for name in NAMES
             if content.get(name) is not None}
    if not found:
        raise ValueError(f"'{path}' has none of {', '.join(NAMES)}, but "
                         f'{sorted(map(str, content))[:8]}. (An EDM2 pickle '
                         'has sections: --section.)')
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
        ValueError: It is damaged, or holds something else.
    """
    wanted = {'features', 'about', *sum(MOMENTS.values(), ())}
    try:
        with np.load(path, allow_pickle=False) as file:
            content = {name: file[name] if name in wanted else None
                       for name in file.files}
        about = json.loads(str(content.pop('about', '{}')))
        for mean, covariance in MOMENTS.values():
            if not content.keys().isdisjoint({mean, covariance}):
                _check_moments(content[mean], content[covariance])
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError,
            AttributeError) as error:
        raise ValueError(
            f"'{path}' is no npz file of statistics, or a damaged or "
            f'truncated one ({str(error)[:200]}). Copy or download it again.'
        ) from error
    return content, {'sha256': file_sha256(path), **about}


def _check_moments(mean: np.ndarray, covariance: np.ndarray) -> None:
    fits = mean.ndim == 1 and covariance.shape == (len(mean), len(mean))
    if not (fits and np.isfinite(mean).all()
            and np.isfinite(covariance).all()):
        raise ValueError('mean and covariance must be finite, (D,) and (D, D)'
                         f', got {mean.shape} and {covariance.shape}')


def _read_pickle(path: str) -> tuple[dict, dict]:
    with open(path, 'rb') as file:
        content = inert.load(io.BytesIO(file.read(inert.MAX_BYTES)))
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
    return content, json.loads(about)


_READERS = {'.npz': read_npz, '.pkl': _read_pickle, '.pt': _read_torch,
            '.safetensors': _read_own}


def _array(path: str, value) -> np.ndarray:
    """An array, also from what the inert unpickler puts in its place."""
    if not isinstance(value, inert.Placeholder):
        return np.asarray(value)
    try:
        _, shape, dtype, fortran, raw = value.state
        kind = dtype.state[1] + dtype.args[0]
        if (not value.path.endswith('multiarray._reconstruct')
                or dtype.path != 'numpy.dtype' or kind not in ('<f4', '<f8')):
            raise ValueError
        return np.frombuffer(raw, kind).reshape(
            shape, order='F' if fortran else 'C')
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise ValueError(
            f"'{path}' pickles something else than arrays of floats, or with "
            'a protocol other than 3 and 4; save it as npz.') from error
