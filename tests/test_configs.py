"""Every leaf config parses; its model builds without its weights."""
from pathlib import Path

import pytest
import torch
from mmengine.registry import DefaultScope

from rcg.engine import load_config
from rcg.engine.configs.loading import without_weights
from rcg.models import RCG
from rcg.models.diffusers import RDM
from rcg.models.generators import MAGE
from rcg.registry import DATASETS, MODELS

ROOT = Path(__file__).parents[1] / 'configs'
# Numbers, and the parts that the stages make of them.
PRESETS = [f'folder/{name}.py' for name in (
    'tiny_32', 'tiny_32_short', 'small_64', 'base_128', 'base_256', 'parts')]
LEAVES = sorted(path.relative_to(ROOT).as_posix()
                for path in ROOT.rglob('*.py')
                if '_base_' not in path.parts
                and path.relative_to(ROOT).as_posix() not in PRESETS)


def build(cfg):
    """The model of a config on the meta device, without its weights."""
    with DefaultScope.overwrite_default_scope('rcg'), torch.device('meta'):
        return MODELS.build(without_weights(cfg.model.to_dict()))


def count(module) -> int:
    return sum(p.numel() for p in module.parameters())


def check_parts(model) -> None:
    """Encoder, RDM, tokenizer and generator fit each other."""
    if isinstance(model, RDM):
        assert model.rep_dim == model.encoder.rep_dim
    if not isinstance(model, RCG):
        return
    network = model.generator.network
    if isinstance(model.generator, MAGE) and model.tokenizer is not None:
        assert model.tokenizer.num_codes == network.num_codes
    if model.generator.condition_kind != 'representation':
        assert model.encoder is None and model.rdm is None
        return
    assert model.encoder.rep_dim == model.rdm.rep_dim
    assert network.condition_embed.rep_dim == model.rdm.rep_dim
    assert model.encoder.checkpoint is None


@pytest.mark.parametrize('leaf', LEAVES)
def test_leaf(leaf):
    cfg = load_config(str(ROOT / leaf))
    assert cfg.default_scope == 'rcg'
    assert cfg.work_dir.endswith(leaf.removesuffix('.py').rpartition('/')[2])
    # Not in iterations, which depend on the number of processes.
    assert cfg.train_cfg.max_samples > 0
    assert 'max_iters' not in cfg.train_cfg
    model = build(cfg)
    check_parts(model)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    if cfg.model.type != 'PCATraining':
        assert trained > 10000
    if cfg.train_dataloader.dataset.type == 'Digits':
        with DefaultScope.overwrite_default_scope('rcg'):
            dataset = DATASETS.build(cfg.train_dataloader.dataset)
        assert len(dataset) == 1438


def test_the_names_that_others_rely_on():
    assert {f'digits/{name}.py' for name in (
        'encoder', 'tokenizer', 'rdm', 'mage', 'mage_uncond',
        'mage_class_cond')} <= set(LEAVES)


def test_the_three_models_of_the_quick_start_differ_in_the_condition_alone():
    cfgs = [load_config(str(ROOT / 'digits' / f'{name}.py'))
            for name in ('mage', 'mage_uncond', 'mage_class_cond')]
    for cfg in cfgs:
        del cfg.model.generator.network.condition
        del cfg.model.generator.temperature  # each at its own best
    first = cfgs[0]
    for other in cfgs[1:]:
        assert other.model.generator == first.model.generator
        assert other.train_cfg == first.train_cfg
        assert other.optim_wrapper == first.optim_wrapper
        assert other.param_scheduler == first.param_scheduler
        assert other.train_dataloader == first.train_dataloader
        assert other.test_evaluator == first.test_evaluator


@pytest.mark.parametrize('preset', [
    './tiny_32.py', 'rcg::folder/tiny_32.py', 'mine.py'])
def test_a_preset_is_named_by_a_variable(preset, tmp_path, monkeypatch):
    if preset == 'mine.py':
        preset = str(tmp_path / preset)
        Path(preset).write_text("_base_ = 'rcg::folder/tiny_32.py'\n")
    monkeypatch.setenv('RCG_PRESET', preset)
    cfg = load_config(str(ROOT / 'folder/mage.py'))
    assert cfg.model.generator.network.encoder.dim == 96
    monkeypatch.delenv('RCG_PRESET')
    cfg = load_config(str(ROOT / 'folder/mage.py'))
    assert cfg.model.generator.network.encoder.dim == 384
