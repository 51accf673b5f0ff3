"""The training loop: length, validation, where the data start."""
from collections import Counter

import pytest

from .running import build_runner


def test_a_step_larger_than_the_data_set_repeats_images(tmp_path, monkeypatch):
    log = tmp_path / 'reads'
    monkeypatch.setenv('TOY_READS', str(log))
    runner = build_runner(
        tmp_path / 'run', train_dataloader__batch_size=60, val_cfg=None,
        val_dataloader=None, val_evaluator=None, train_cfg__max_iters=2)
    runner.train()
    reads = [line.split() for line in log.read_text().splitlines()][:60]
    assert [int(position) for position, _ in reads] == list(range(60))
    counts = Counter(int(index) for _, index in reads)
    assert len(counts) == 26 and set(counts.values()) == {2, 3}


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
