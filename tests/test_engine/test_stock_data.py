"""Options of data loaders that do not fit the machine or the loop."""
import pytest

from rcg.engine import stock_data

from .running import build_runner


@pytest.mark.parametrize('cores', [0, 4])
def test_no_workers_need_no_other_change(tmp_path, monkeypatch, cores):
    monkeypatch.setattr(stock_data, 'usable_cores', lambda: cores)
    runner = build_runner(
        tmp_path, train_dataloader__persistent_workers=True,
        train_dataloader__prefetch_factor=4,
        train_dataloader__num_workers=0 if cores else 2)
    assert runner.build_dataloader(
        runner._train_dataloader, seed=0).num_workers == 0
    runner.train()


@pytest.mark.parametrize('own', [{}, {'timeout': 7}])
def test_a_batch_may_not_take_for_ever(tmp_path, monkeypatch, own):
    monkeypatch.setattr(stock_data, 'usable_cores', lambda: 3)
    runner = build_runner(tmp_path)
    cfg = runner._train_dataloader | {'num_workers': 1, **own}
    assert runner.build_dataloader(cfg, seed=0).timeout == (
        own.get('timeout', 300))
    assert runner.build_dataloader(cfg | {'num_workers': 0}).timeout == 0


def test_workers_keep_their_options(monkeypatch):
    monkeypatch.setattr(stock_data, 'usable_cores', lambda: 3)
    cfg = dict(num_workers=8, persistent_workers=True, prefetch_factor=4)
    assert stock_data.with_possible_workers(cfg) == {**cfg, 'num_workers': 3}
    assert cfg['num_workers'] == 8
