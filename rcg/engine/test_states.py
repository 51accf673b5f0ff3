"""Where the state of a test run is, and which of its files count."""
import glob
import hashlib
import json
import os

import torch

import rcg
from rcg.checkpoint import file_sha256, read_checkpoint
from rcg.engine.frozen_parts import frozen_parts, part_digest
from rcg.engine.hooks.save_images import SaveImagesHook
from rcg.engine.unwrapping import bare_model


def read_states(folder: str) -> dict[str, dict]:
    """States by file name, less those that others replace.

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
    def digests(owner) -> dict:
        return {name: part.sha256 for name, part in vars(owner).items()
                if hasattr(part, 'sha256')}

    cfg = runner.cfg.to_dict()
    loader = {k: v for k, v in cfg['test_dataloader'].items()
              if k not in ('num_workers', 'persistent_workers', 'pin_memory')}
    hooks = [hook.folder for hook in runner.hooks
             if isinstance(hook, SaveImagesHook)]
    content = [
        rcg.__version__, torch.__version__, cfg['model'], loader, hooks,
        cfg['test_cfg'], cfg['test_evaluator'],
        runner.loaded_from and file_sha256(runner.loaded_from),
        {name: part_digest(part) for name, part in
         frozen_parts(bare_model(runner)).items()},
        [digests(metric)
         for metric in runner.test_loop.evaluator.metrics]]
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
