"""The digits models of the quick start, with the weights they begin with."""
from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope

import rcg.models  # noqa: F401  registers them
from rcg.apis import RCGInferencer
from rcg.checkpoint import save_atomically
from rcg.engine import load_config
from rcg.registry import MODELS

GENERATORS = ('mage', 'mage_class_cond', 'mage_uncond', 'dit', 'dit_uncond',
              'ldm', 'adm')
PARTS = dict(encoder='encoder.', tokenizer='tokenizer.', rdm='')


def write_models(root) -> None:
    """Write checkpoints into ``root``, which must be RCG_ROOT."""
    init_default_scope('rcg')
    torch.manual_seed(0)
    for name in GENERATORS:
        model = load_config(f'configs/digits/{name}.py').model.to_dict()
        parts = {part: dict(model[part]) for part in PARTS if model.get(part)}
        places = {part: Path(checkpoint).name for part, cfg in parts.items()
                  if (checkpoint := cfg.pop('checkpoint', None))}
        for part in parts.values():
            part.pop('prefix', None)
        built = MODELS.build({**model, **parts})
        for part, place in places.items():
            if not (root / place).exists():
                weights = getattr(built, part)._module.state_dict()
                _save(root / place, {PARTS[part] + key: value
                                     for key, value in weights.items()})
        _save(root / name, built.state_dict())


def _save(folder, weights) -> None:
    folder.mkdir(parents=True)
    save_atomically({'state_dict': weights}, folder / 'iter_1.pth')


def inferencer(root, num_steps):
    """MAGE of ``root``, which takes few steps: so it draws at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('RCG_ROOT', str(root))
        cfg = load_config('configs/digits/mage.py', [
            f'model.generator.num_steps={num_steps}',
            'model.rdm.sampler.num_steps=2'])
        return RCGInferencer(cfg, root / 'mage', 'cpu')
