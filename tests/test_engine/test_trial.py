"""A loss is tried before features are cached, and leaves no traces."""
import copy

import pytest
import torch
from torch import nn

from rcg.engine import CacheFeaturesHook, load_config
from rcg.engine.trial import try_loss
from rcg.registry import RUNNERS

from .running import build_runner, scalars
from .toy import ToyModel


def cached(cache):
    return {'custom_hooks': [
        {'type': 'CacheFeaturesHook', 'cache_dir': str(cache),
         'names': ['representations'], 'batch_size': 10}]}


def test_no_image_but_the_first_is_read_if_the_loss_fails(tmp_path,
                                                          monkeypatch):
    reads = tmp_path / 'reads'
    monkeypatch.setenv('TOY_READS', str(reads))
    runner = build_runner(tmp_path, **cached(tmp_path / 'cache'))
    runner.model.net[0] = nn.Linear(5, 8)
    with pytest.raises(RuntimeError, match='shapes cannot be multiplied'):
        runner.train()
    assert reads.read_text().splitlines() == ['0 0', '1 1']
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
    monkeypatch.setattr(CacheFeaturesHook, '_store', lambda *args: None)
    build_runner(tmp_path / 'b', **cached(tmp_path / 'cache')).train()
    assert scalars(tmp_path / 'a') == scalars(tmp_path / 'b')
