"""The digits models of the quick start, with the weights they begin with."""
import torch
from mmengine.registry import init_default_scope

import rcg.models  # noqa: F401  registers them
from rcg.checkpoint import save_atomically
from rcg.engine import load_config
from rcg.registry import MODELS

GENERATORS = 'mage', 'mage_class_cond', 'mage_uncond'


def write_models(root) -> None:
    """Write checkpoints into ``root``, which must be RCG_ROOT."""
    init_default_scope('rcg')
    torch.manual_seed(0)
    cfg = load_config('configs/digits/mage.py')
    parts = {name: dict(cfg.model[name], checkpoint=None)
             for name in ('encoder', 'tokenizer', 'rdm')}
    model = MODELS.build(dict(cfg.model, **parts))
    for name, prefix in (('encoder', 'encoder.'), ('tokenizer', 'tokenizer.'),
                         ('rdm', '')):
        weights = getattr(model, name)._module.state_dict()
        _save(root / name, {prefix + key: value
                            for key, value in weights.items()})
    for name in GENERATORS:
        cfg = load_config(f'configs/digits/{name}.py')
        _save(root / name, MODELS.build(cfg.model).state_dict())


def _save(folder, weights) -> None:
    folder.mkdir(parents=True)
    save_atomically({'state_dict': weights}, folder / 'iter_1.pth')
