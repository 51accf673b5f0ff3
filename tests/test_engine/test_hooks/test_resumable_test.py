"""Test runs that were interrupted go on, and end with the same scores."""
import os
import signal

import pytest
import torch

from rcg.engine import signals, test_states
from rcg.engine.hooks.resumable_test import ResumableTestHook
from rcg.engine.test_states import run_key
from tests.test_engine import toy  # noqa: F401  a metric of another kind
from tests.test_engine.running import ROOT, build_runner

CONFIG = str(ROOT / 'tests/test_engine/toy_painter_config.py')
SMALL = {'test_dataloader__dataset__num_images': 230}  # 10 batches


class CrashError(Exception):
    """Stands for a killed process."""


def runner_of(folder, restart=False, seconds=0., **options):
    runner = build_runner(folder, CONFIG, **{**SMALL, **options})
    runner.register_hook(ResumableTestHook(seconds, restart))
    return runner


def hook_of(runner):
    return next(hook for hook in runner.hooks
                if isinstance(hook, ResumableTestHook))


def crash_in(runner, call, monkeypatch):
    """Let the model fail in its n-th call, from 0."""
    model, calls = runner.model, []
    predict = model.test_step

    def step(batch):
        calls.append(batch)
        if len(calls) > call:
            raise CrashError
        return predict(batch)

    monkeypatch.setattr(model, 'test_step', step)
    return calls


def state_files(folder):
    return sorted(path.name for path in folder.rglob('test_state/*/*'))


def test_goes_on_after_crashes(tmp_path, monkeypatch):
    whole = runner_of(tmp_path / 'whole').test()
    for call in (3, 0, 4):  # the second one gets nowhere
        runner = runner_of(tmp_path)
        crash_in(runner, call, monkeypatch)
        with pytest.raises(CrashError):
            runner.test()
    runner = runner_of(tmp_path)
    calls = crash_in(runner, 99, monkeypatch)
    assert runner.test() == whole
    assert len(calls) == 10 - 3 - 4
    assert hook_of(runner).generated == 3 * 24


def test_a_signal_loses_no_finished_batch(tmp_path, monkeypatch):
    """Although none was to be noted for a minute."""
    whole = runner_of(tmp_path / 'whole').test()
    runner = runner_of(tmp_path, seconds=60.)
    calls = crash_in(runner, 99, monkeypatch)
    monkeypatch.setattr(
        runner.test_loop.evaluator, 'process',
        signal_after(3, runner.test_loop.evaluator.process))
    with pytest.raises(signals.Stopped, match='finished batches') as stop:
        runner.test()
    assert stop.value.code == 75
    assert len(calls) == 3
    runner = runner_of(tmp_path)
    calls = crash_in(runner, 99, monkeypatch)
    assert runner.test() == whole
    assert len(calls) == 10 - 3


def signal_after(count, function):
    """The function, which sends a signal at its n-th call."""
    calls = []

    def called(*args, **kwargs):
        calls.append(args)
        if len(calls) == count:
            os.kill(os.getpid(), signal.SIGTERM)
        return function(*args, **kwargs)

    return called


def test_only_the_newest_sums_are_kept(tmp_path, monkeypatch):
    for call in (2, 2, 2):
        runner = runner_of(tmp_path)
        crash_in(runner, call, monkeypatch)
        with pytest.raises(CrashError):
            runner.test()
    names = state_files(tmp_path)
    assert sum(name.startswith('state-') for name in names) == 1
    assert sum(name.startswith('rows-') for name in names) == 6
    size, = {path.stat().st_size // 1000
             for path in tmp_path.rglob('rows-*')}
    assert size < 5  # 24 rows each, never all


def test_what_was_not_noted_is_done_again(tmp_path, monkeypatch):
    """With rows whose state was never written, and a half-written state."""
    whole = runner_of(tmp_path / 'whole').test()
    runner = runner_of(tmp_path)
    crash_in(runner, 2, monkeypatch)
    with pytest.raises(CrashError):
        runner.test()
    folder, = tmp_path.glob('test_state/*')
    rows = min(folder.glob('rows-*'))
    (folder / 'rows-0-0.pt').write_bytes(rows.read_bytes())
    (folder / '.state-1.pt.host-1.part').write_bytes(b'PK')
    runner = runner_of(tmp_path)
    calls = crash_in(runner, 99, monkeypatch)
    assert runner.test() == whole
    assert len(calls) == 8


def test_a_crash_between_taking_over_and_removing(tmp_path, monkeypatch):
    """Both states are there; the new one says that it replaces the old."""
    whole = runner_of(tmp_path / 'whole').test()
    states = {}
    for call in (2, 3):
        runner = runner_of(tmp_path)
        crash_in(runner, call, monkeypatch)
        with pytest.raises(CrashError):
            runner.test()
        states.update((path, path.read_bytes())
                      for path in tmp_path.glob('test_state/*/state-*'))
    assert len(states) == 2
    for path, content in states.items():
        path.write_bytes(content)
    runner = runner_of(tmp_path)
    calls = crash_in(runner, 99, monkeypatch)
    assert runner.test() == whole
    assert len(calls) == 5


def test_all_batches_done_but_no_scores(tmp_path, monkeypatch):
    whole = runner_of(tmp_path / 'whole').test()
    runner = runner_of(tmp_path, seconds=1e9)  # the last batch is noted
    monkeypatch.setattr(runner.test_loop.evaluator, 'evaluate',
                        lambda size: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        runner.test()
    runner = runner_of(tmp_path)
    calls = crash_in(runner, 0, monkeypatch)
    assert runner.test() == whole
    assert calls == []


def test_restart_forgets(tmp_path, monkeypatch):
    runner = runner_of(tmp_path)
    crash_in(runner, 3, monkeypatch)
    with pytest.raises(CrashError):
        runner.test()
    runner = runner_of(tmp_path, restart=True)
    calls = crash_in(runner, 99, monkeypatch)
    runner.test()
    assert len(calls) == 10


def test_clear_removes_the_state(tmp_path):
    runner = runner_of(tmp_path)
    runner.test()
    assert state_files(tmp_path)
    hook_of(runner).clear()
    assert not (tmp_path / 'test_state').exists()


@pytest.mark.parametrize('change', [
    {'test_dataloader__dataset__seed': 4},
    {'test_dataloader__batch_size': 20},
    {'model__quantization': 'round'},
    {'test_evaluator': [dict(type='InceptionScore', num_splits=5,
                             extractor=dict(type='ToyExtractor'))]}])
def test_key_is_that_of_the_samples_and_metrics(tmp_path, change):
    changed, plain = runner_of(tmp_path, **change), runner_of(tmp_path)
    assert run_key(changed) != run_key(plain)
    assert run_key(plain) == run_key(runner_of(
        tmp_path / 'x', test_dataloader__num_workers=1))


def test_key_is_that_of_the_precision(tmp_path, monkeypatch):
    runner = runner_of(tmp_path)
    before = run_key(runner)
    monkeypatch.setattr(test_states, 'float32_precision', lambda: 'high')
    assert run_key(runner) != before


def test_key_is_that_of_the_weights(tmp_path):
    runner = runner_of(tmp_path)
    before = run_key(runner)
    torch.save(runner.model.state_dict(), tmp_path / 'a.pth')
    runner.load_checkpoint(str(tmp_path / 'a.pth'))
    assert run_key(runner) != before


def test_a_run_that_cannot_be_resumed_says_so(tmp_path, capsys):
    runner = runner_of(tmp_path, test_evaluator=[dict(type='ToyMetric')])
    assert runner.test()
    assert 'it will begin anew' in capsys.readouterr().out
    assert not (tmp_path / 'test_state').exists()
