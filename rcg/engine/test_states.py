"""Where the state of a test run is, and which of its files count."""
import glob
import hashlib
import json
import os
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

import rcg
from rcg.checkpoint import file_sha256, read_checkpoint
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


def read_states(folder: str) -> dict[str, dict]:
    """Read states by file name, but those that others replace.

    Removes files that no state refers to: a process died between writing
    them and its state, or before it had removed what its state replaces.
    """
    states = {os.path.basename(path): read_checkpoint(path)
              for path in glob.glob(f'{glob.escape(folder)}/state-*.pt')}
    stale = {name for state in states.values() for name in state['replaces']}
    live = {name: state for name, state in states.items()
            if name not in stale}
    used = set(live).union(*(state['files'] for state in live.values()))
    for name in set(os.listdir(folder)) - used:
        os.remove(os.path.join(folder, name))
    return live


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
