"""Draws depend on seed, iteration and rank alone."""
from types import SimpleNamespace

import pytest
import torch

from rcg.engine.hooks import iter_seed


def draw(seed=0, iteration=0):
    runner = SimpleNamespace(seed=seed, iter=iteration)
    iter_seed.IterSeedHook().before_train_iter(runner, iteration)
    return torch.rand(3).tolist()


def test_repeats_whatever_was_drawn_before():
    first = draw(1, 5)
    torch.rand(17)
    assert draw(1, 5) == first


def test_differs_by_iteration_seed_and_rank(monkeypatch):
    draws = [draw(0, 0), draw(0, 1), draw(1, 0)]
    monkeypatch.setattr(iter_seed, 'get_rank', lambda: 1)
    draws.append(draw(0, 0))
    assert len(set(map(tuple, draws))) == 4


@pytest.mark.parametrize('seed', [2**31, 2**63 - 1])
def test_large_seeds(seed):
    assert draw(seed) != draw(seed - 1)
