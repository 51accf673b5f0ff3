"""Where the state of a test run is, and which of its files count."""
import contextlib
import glob
import hashlib
import json
import os
from collections.abc import Callable, Collection, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

import rcg
from rcg.checkpoint import CheckpointError, file_sha256, read_checkpoint
from rcg.engine.folder_lock import LOCK
from rcg.engine.frozen_parts import frozen_parts, part_digest
from rcg.engine.hooks.save_images import SaveImagesHook
from rcg.engine.unwrapping import bare_model
from rcg.precision import float32_precision

# Settings of a data loader that change no sample.
_HOW_TO_LOAD = 'num_workers', 'persistent_workers', 'pin_memory'


@runtime_checkable
class ResumableMetric(Protocol):
    """A metric that a test run can go on with.

    Those of :mod:`rcg.evaluation` are; the engine does not import them.

    Attributes:
        size: Number of samples that will come; None if it is not known, and
            then the run cannot be resumed.
        cumulative: Whether a state holds all that earlier ones hold.
        results: One entry for each batch, if it is not cumulative.
    """
    size: int | None
    cumulative: bool
    results: list

    def state(self, since: int = 0) -> dict[str, Tensor]:
        """What this process took, without the first ``since`` batches."""

    def load_state(self, states: Sequence[dict[str, Tensor]]) -> None:
        """Add states of other processes or sessions."""

    def digests(self) -> dict[str, str | None]:
        """Hashes of the weights that its results depend on."""


def read_states(folder: str, warn: Callable[[str], None]
                ) -> dict[str, dict]:
    """Read states by file name, but those that others replace.

    A state that is damaged, or lacks a file or has a damaged one, is thrown
    away: its batches will be done again. So are files that no state refers
    to: a process died between writing them and its state, or before it had
    removed what its state replaces.

    Args:
        warn: Is called with a sentence for each state that is thrown away.

    Returns:
        States, each with the content of its ``files`` as ``rows``.
    """
    states = {}
    for path in sorted(glob.glob(f'{glob.escape(folder)}/state-*.pt')):
        try:
            states[os.path.basename(path)] = _read_state(folder, path)
        except (CheckpointError, OSError, KeyError, TypeError) as error:
            bad = getattr(error, 'filename', None) or path
            warn(f"'{bad}' of an interrupted test is missing or damaged "
                 f'({type(error).__name__}): what was done there is done '
                 'again')
    stale = {name for state in states.values() for name in state['replaces']}
    live = {name: state for name, state in states.items()
            if name not in stale}
    used = set(live).union(*(state['files'] for state in live.values()))
    remove_states(folder, used)
    return live


def remove_states(folder: str, used: Collection[str] = ()) -> None:
    """Remove the files of a folder that this process has locked.

    Args:
        used: Names of files that stay, besides that of the lock.
    """
    for name in set(os.listdir(folder)) - {LOCK, *used}:
        with contextlib.suppress(OSError):
            os.remove(os.path.join(folder, name))


def _read_state(folder: str, path: str) -> dict:
    state = read_checkpoint(path)
    done, sums, files, replaces = (
        state[name] for name in ('done', 'sums', 'files', 'replaces'))
    if not (isinstance(sums, dict) and all(
            isinstance(value, list) for value in (done, files, replaces))):
        raise TypeError
    rows = []
    for name in files:
        path = os.path.join(folder, os.path.basename(name))
        try:
            rows.append(read_checkpoint(path))
            if not all(isinstance(metric, int) for metric in rows[-1]):
                raise CheckpointError('it holds no rows')
        except (CheckpointError, OSError) as error:
            error.filename = path
            raise
    return {**state, 'rows': rows}


def run_key(runner) -> str:
    """Hash of what determines the samples, what is kept of them, and how."""
    cfg = runner.cfg.to_dict()
    loader = {name: value for name, value in cfg['test_dataloader'].items()
              if name not in _HOW_TO_LOAD}
    folders = [hook.folder for hook in runner.hooks
               if isinstance(hook, SaveImagesHook)]
    weights = None
    if runner.loaded_from is not None:
        weights = file_sha256(runner.loaded_from)
    parts = {name: part_digest(part) for name, part in
             frozen_parts(bare_model(runner)).items()}
    digests = [metric.digests() if isinstance(metric, ResumableMetric) else {}
               for metric in runner.test_loop.evaluator.metrics]
    content = [rcg.__version__, torch.__version__, cfg['model'], loader,
               folders, cfg['test_cfg'], cfg['test_evaluator'], weights,
               parts, digests, float32_precision()]
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
