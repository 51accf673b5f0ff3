"""Scores of this machine against those of torch-fidelity."""
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from mmengine.registry import init_default_scope
from torch import Tensor

from rcg.checkpoint import file_sha256
from rcg.engine.devices import usable_device
from rcg.files import read_json
from rcg.verification.metrics import material, scores


def verify_metrics(*, weights: str | None = None, record: str | None = None,
                   expected: str | None = None,
                   device: str | None = None) -> bool:
    """Score fixed images with Inception; compare with stored scores.

    Prints one line for each score.

    Args:
        weights: Released weights of Inception; by default random ones, which
            are the same on every machine. Scores are stored for those alone:
            with others, torch-fidelity scores the images here.
        record: JSON file to write the scores of torch-fidelity to, in place
            of comparing.
        expected: JSON file that ``record`` named on another machine.
        device: By default a GPU, if there is one.

    Returns:
        Whether all scores agree.

    Raises:
        ValueError: ``expected`` was made with other images or weights.
    """
    init_default_scope('rcg')
    device = str(usable_device(device))
    with _empty_cache() as folder:
        path, hashes, fake, real = _prepare(weights, folder)
        stored = expectation(hashes, weights=weights, expected=expected,
                             record=record)
        made_by = scores.versions(device)
        if stored is None:
            print('torch-fidelity scores the images', flush=True)
            stored = dict(made_by=made_by, sha256=hashes,
                          values=scores.theirs(path, fake, real, device))
        if record:
            _record(stored, record)
            return True
        reference = str(folder / 'reference.npz')
        np.savez(reference, arr_0=real.permute(0, 2, 3, 1).numpy())
        found = scores.ours(path, fake, reference, device)
    return _compare(found, made_by, stored)


def _record(stored: dict, path: str) -> None:
    """Write the scores of torch-fidelity to a JSON file, and print them."""
    Path(path).write_text(json.dumps(stored, indent=1) + '\n', 'utf-8')
    print(f'{path}: {stored["values"]}')


def _compare(found: dict[str, float], made_by: str, stored: dict) -> bool:
    """Print what made the scores and a line for each; whether all agree."""
    print(f'expected: {stored.get("made_by", "not stated")}\n'
          f'here:     {made_by}')
    lines, passed = scores.compare(found, stored['values'])
    print('\n'.join(lines))
    return passed


@contextmanager
def _empty_cache() -> Iterator[Path]:
    """A folder that is the cache: features of earlier runs are not tested."""
    before = os.environ.get('RCG_CACHE')
    with tempfile.TemporaryDirectory() as folder:
        os.environ['RCG_CACHE'] = folder
        try:
            yield Path(folder)
        finally:
            del os.environ['RCG_CACHE']
            if before is not None:
                os.environ['RCG_CACHE'] = before


def _prepare(weights: str | None, folder: Path
             ) -> tuple[str, dict[str, str], Tensor, Tensor]:
    """File of weights, hashes of what is used, and the two sets of images."""
    fake, real = (material.image_set(number) for number in (0, 1))
    hashes = {'images': material.sha256([fake, real])}
    if weights is None:
        state, path = material.random_weights(), str(folder / 'random.pth')
        hashes['weights'] = material.sha256(state.values())
        torch.save(state, path)
    else:
        path = os.path.expanduser(weights)
        hashes['weights'] = file_sha256(path)
    return path, hashes, fake, real


def expectation(hashes: dict[str, str], *, weights: str | None = None,
                expected: str | None = None,
                record: str | None = None) -> dict | None:
    """The stored scores of these images and weights; None if there are none.

    Arguments and errors are those of :func:`verify_metrics`.
    """
    path = expected
    if path is None and not weights and not record:
        path = scores.STORED
    if path is None:
        return None
    stored = read_json(path)
    if not (isinstance(stored.get('sha256'), dict)
            and isinstance(stored.get('values'), dict)
            and all(isinstance(value, (int, float))
                    for value in stored['values'].values())):
        raise ValueError(f"'{path}' holds no scores of --record: make it "
                         'again.')
    other = [name for name in hashes
             if stored['sha256'].get(name) != hashes[name]]
    if other:
        remedy = ('Give the file that --record had.' if weights else
                  'This machine does not compute integers as others do, or '
                  'its files are damaged: please report it.')
        raise ValueError(f"'{path}' was made with other "
                         f'{" and ".join(other)}. {remedy}')
    return stored
