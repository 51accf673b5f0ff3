"""Saving the model of a run, with its scores."""
import contextlib
import os

from torch import nn

from rcg.apis.inference.source import Source
from rcg.apis.saved.content import METRICS
from rcg.apis.saved.writing import UNKNOWN, About, save_model
from rcg.checkpoint import file_sha256
from rcg.files import read_json


def save_source(source: Source, model: nn.Module, num_classes: int | None,
                checkpoint: str, folder: str, license: str | None = None,
                metrics: str | None = None, name: str | None = None) -> None:
    """Write a model that was loaded; see :func:`save_model`.

    Args:
        source: Where it was loaded from.
        model: An RCG.
        num_classes: If it takes labels.
        checkpoint: The file of its generator.
        folder: The new folder.
        license: See :func:`save_model`; by default that of a saved model
            which was loaded, else 'unknown'.
        metrics: See :func:`scores_of`.
        name: See :func:`save_model`.

    Raises:
        FileExistsError, ValueError: See :func:`save_model`.
    """
    pipeline, bits = source.preparation()
    classes = None
    if num_classes is not None:
        with contextlib.suppress(OSError, ValueError):
            classes = source.class_names()
    told = source.saved.get('license', UNKNOWN)
    if license is None:
        license = told
        if told == 'other':
            license = os.path.join(os.path.dirname(checkpoint), 'LICENSE')
    modules = source.saved.get('modules')
    if modules is None:
        modules = (source.cfg.get('custom_imports') or {}).get('imports', [])
    save_model(folder, model, About(
        source.cfg.model.to_dict(), pipeline, bits, classes, modules,
        source.cfg.get('env_cfg', {}).get('float32', 'high'), license,
        _scores(source, checkpoint, metrics)), name)


def _scores(source: Source, checkpoint: str, path: str | None
            ) -> dict | None:
    """Those of a run, or those that a saved model came with."""
    if source.saved and path is None:
        known = METRICS in source.saved['files']
        return read_json(os.path.join(os.path.dirname(checkpoint), METRICS)
                         ) if known else None
    return scores_of(checkpoint, path)


def scores_of(checkpoint: str, path: str | None = None) -> dict | None:
    """Scores of a checkpoint, with their protocol.

    Args:
        checkpoint: Its file.
        path: A file of tools/test.py. None: metrics.json beside the
            checkpoint, if there is one and it is of this checkpoint.

    Returns:
        What the file holds; None if there is none.

    Raises:
        OSError: There is no such file.
        ValueError: It is no such file, or of another checkpoint.
    """
    beside = os.path.join(os.path.dirname(checkpoint), METRICS)
    if path is None and not os.path.isfile(beside):
        return None
    found = read_json(path or beside)
    protocol = found.get('protocol')
    told = protocol.get('checkpoint') if isinstance(protocol, dict) else None
    theirs = told.get('sha256') if isinstance(told, dict) else None
    if theirs == file_sha256(checkpoint):
        return found
    if path is None:
        return None
    raise ValueError(
        f"the scores of '{path}' are of another checkpoint (SHA-256 "
        f"{str(theirs)[:12]}) than '{checkpoint}': score this one with "
        'tools/test.py, or leave them out.')
