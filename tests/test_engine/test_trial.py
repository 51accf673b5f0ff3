"""A loss is tried before features are cached, and leaves no traces."""
import copy
import os

import pytest
import torch
from mmengine.dist import get_rank
from torch import nn

from rcg.engine import bare_model, load_config
from rcg.engine.hooks import cache_features
from rcg.engine.trial import try_loss
from rcg.registry import RUNNERS
from tests.test_evaluation.toy import run_processes

from .running import build_runner, scalars
from .toy import ToyModel


def cached(cache):
    return {'custom_hooks': [
        {'type': 'CacheFeaturesHook', 'cache_dir': str(cache),
         'names': ['representations'], 'batch_size': 10}]}


def test_no_more_than_a_batch_is_read_if_the_loss_fails(tmp_path,
                                                        monkeypatch):
    reads = tmp_path / 'reads'
    monkeypatch.setenv('TOY_READS', str(reads))
    runner = build_runner(tmp_path, **cached(tmp_path / 'cache'))
    runner.model.net[0] = nn.Linear(5, 8)
    with pytest.raises(RuntimeError, match='shapes cannot be multiplied'):
        runner.train()
    assert len(reads.read_text().splitlines()) == 10
    assert not (tmp_path / 'cache').exists()


def test_wrong_number_of_tokens_is_said_first(tmp_path, monkeypatch):
    """As a whole stage is configured; nothing is encoded but two images."""
    cfg = load_config('configs/digits/mage_uncond.py', {
        'work_dir': str(tmp_path), 'model.generator.network.num_tokens': 64,
        'model.tokenizer.checkpoint': None,
        'custom_hooks.0.cache_dir': str(tmp_path / 'cache')})
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.custom_hooks = [one for one in cfg.custom_hooks
                        if one.type == 'CacheFeaturesHook']
    runner, counts = RUNNERS.build(cfg), []
    encode = runner.model.encode
    monkeypatch.setattr(runner.model, 'encode', lambda images: (
        counts.append(len(images)), encode(images))[1])
    with pytest.raises(ValueError, match='is for 64 tokens an image, got'):
        runner.train()
    assert counts == [2]


def _fail_on_two(folder):
    os.environ['LOCAL_RANK'] = str(get_rank())
    runner = build_runner(folder, launcher='pytorch',
                          **cached(f'{folder}/cache'))
    bare_model(runner).net[0] = nn.Linear(5, 8)
    with pytest.raises(RuntimeError, match='shapes cannot be multiplied'):
        runner.train()
    return os.path.exists(f'{folder}/cache')


def test_several_processes_try_together(tmp_path):
    """A loss may make them wait for each other."""
    assert run_processes(2, tmp_path, _fail_on_two, str(tmp_path / 'run')
                         ) == [False, False]


class Careless(ToyModel):
    """Its loss changes what it should not, even in evaluation."""

    def forward(self, *args, **kwargs):
        self.count += 1
        torch.rand(3)
        return super().forward(*args, **kwargs)


def test_nothing_is_left_of_a_trial(tmp_path, monkeypatch):
    runner = build_runner(tmp_path, **cached(tmp_path / 'cache'))
    runner.model.__class__ = Careless
    runner.model.frozen.eval()
    state = copy.deepcopy(runner.model.state_dict())
    random = torch.get_rng_state()
    try_loss(runner, ['representations'])
    assert torch.equal(torch.get_rng_state(), random)
    for name, value in runner.model.state_dict().items():
        assert torch.equal(value, state[name]), name
    assert runner.model.training and not runner.model.frozen.training
    assert all(p.grad is None for p in runner.model.parameters())


def test_training_has_the_same_bits_without_a_trial(tmp_path, monkeypatch):
    build_runner(tmp_path / 'a', **cached(tmp_path / 'cache')).train()
    monkeypatch.setattr(cache_features, 'try_loss', None)  # as it is not run
    build_runner(tmp_path / 'b', **cached(tmp_path / 'cache')).train()
    assert scalars(tmp_path / 'a') == scalars(tmp_path / 'b')
