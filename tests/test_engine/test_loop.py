"""The training loop: length, validation, where data and dropout start."""
from types import SimpleNamespace

import pytest
import torch

from rcg.engine import loop

from .running import build_runner


def test_a_step_larger_than_the_data_set_is_refused(tmp_path):
    runner = build_runner(tmp_path, train_dataloader__batch_size=27)
    with pytest.raises(ValueError, match='needs 27 samples.*has 26'):
        runner.train()


def test_a_sampler_without_position_is_refused(tmp_path):
    runner = build_runner(tmp_path, train_dataloader__sampler={
        'type': 'DefaultSampler', 'shuffle': True, 'seed': 0})
    with pytest.raises(ValueError, match='StreamSampler'):
        runner.train()


def test_data_of_every_iteration(tmp_path, monkeypatch):
    """Positions 0, 1, ... in batches; every image once in a pass."""
    log = tmp_path / 'reads'
    monkeypatch.setenv('TOY_READS', str(log))
    runner = build_runner(tmp_path / 'run', val_cfg=None, val_dataloader=None,
                          val_evaluator=None, train_cfg__max_iters=7)
    runner.train()
    reads = [line.split() for line in log.read_text().splitlines()]
    assert [int(p) for p, _ in reads] == list(range(28))
    assert sorted(int(i) for _, i in reads[:26]) == list(range(26))


def test_validation_every_interval_and_at_the_end(tmp_path):
    runner = build_runner(tmp_path, train_cfg__max_iters=7,
                          train_cfg__val_interval=3)
    seen = []
    runner.val_loop.run = lambda: seen.append(runner.iter)
    runner.train()
    assert seen == [3, 6, 7]
    assert runner.model.training


def draw(seed=0, iteration=0):
    runner = SimpleNamespace(seed=seed, iter=iteration)
    loop.IterSeedHook().before_train_iter(runner, iteration)
    return torch.rand(3).tolist()


def test_repeats_whatever_was_drawn_before():
    first = draw(1, 5)
    torch.rand(17)
    assert draw(1, 5) == first


def test_differs_by_iteration_seed_and_rank(monkeypatch):
    draws = [draw(0, 0), draw(0, 1), draw(1, 0)]
    monkeypatch.setattr(loop, 'get_rank', lambda: 1)
    draws.append(draw(0, 0))
    assert len(set(map(tuple, draws))) == 4


@pytest.mark.parametrize('seed', [2**31, 2**63 - 1])
def test_large_seeds(seed):
    assert draw(seed) != draw(seed - 1)
