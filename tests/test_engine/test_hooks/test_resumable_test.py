"""Test runs that were interrupted go on, and end with the same scores."""
import os
import signal

import pytest
import torch

from rcg.engine import folder_lock, test_states
from rcg.engine.folder_lock import FolderInUseError, FolderLock
from rcg.engine.hooks import resumable_test
from rcg.engine.hooks.resumable_test import ResumableTestHook
from rcg.engine.hooks.save_images import SaveImagesHook
from rcg.engine.processes import signals
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


def cut(path):
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])


def flip_a_bit(path):
    """In the list of contents, where every reader looks."""
    content = bytearray(path.read_bytes())
    content[content.rindex(b'PK\1\2') + 2] ^= 1
    path.write_bytes(content)


DAMAGES = {
    'cut': cut, 'bit': flip_a_bit, 'gone': lambda path: path.unlink(),
    'empty': lambda path: path.write_bytes(b''),
    'other': lambda path: torch.save({'done': 3}, path)}


@pytest.mark.parametrize(('kind', 'damage'), [
    ('state', 'cut'), ('state', 'bit'), ('state', 'empty'),
    ('state', 'other'), ('rows', 'cut'), ('rows', 'bit'), ('rows', 'gone'),
    ('rows', 'other')])
def test_a_damaged_state_is_said_and_done_again(
        tmp_path, monkeypatch, capsys, kind, damage):
    whole = runner_of(tmp_path / 'whole').test()
    runner = runner_of(tmp_path)
    crash_in(runner, 3, monkeypatch)
    with pytest.raises(CrashError):
        runner.test()
    path = min(tmp_path.glob(f'test_state/*/{kind}-*'))
    DAMAGES[damage](path)
    runner = runner_of(tmp_path)
    calls = crash_in(runner, 99, monkeypatch)
    assert runner.test() == whole
    assert len(calls) == 10
    said = capsys.readouterr().out
    assert f"'{path}' of an interrupted test is missing or damaged" in said
    assert 'ownload' not in said
    assert not path.exists() or kind == 'rows'


def test_only_what_is_damaged_is_done_again(tmp_path, monkeypatch):
    """Two processes left a state each; one of the two is cut."""
    whole = runner_of(tmp_path / 'whole').test()
    for first in (0, 1):
        runner = runner_of(tmp_path)
        sampler = runner.test_dataloader.batch_sampler
        sampler.rank, sampler.world = first, 2
        with monkeypatch.context() as patch:
            if first:  # both began at once
                patch.setattr(resumable_test, 'read_states',
                              lambda folder, warn: {})
            crash_in(runner, 3, patch)
            with pytest.raises(CrashError):
                runner.test()
    states = sorted(tmp_path.glob('test_state/*/state-*'))
    assert len(states) == 2
    cut(states[0])
    runner = runner_of(tmp_path)
    calls = crash_in(runner, 99, monkeypatch)
    assert runner.test() == whole
    assert len(calls) == 7


@pytest.mark.parametrize('damage', ['gone', 'cut'])
def test_an_image_that_is_gone_is_made_again(tmp_path, monkeypatch, capsys,
                                             damage):
    def build(folder):
        runner = runner_of(tmp_path / folder)
        runner.register_hook(SaveImagesHook(str(tmp_path / folder / 'out')))
        return runner

    whole = build('whole').test()
    runner = build('part')
    crash_in(runner, 3, monkeypatch)
    with pytest.raises(CrashError):
        runner.test()
    image = tmp_path / 'part' / 'out' / '00000' / '00000030.png'
    wanted = image.read_bytes()
    DAMAGES[damage](image)
    runner = build('part')
    assert runner.test() == whole
    assert f"'{image}' of an interrupted test" in capsys.readouterr().out
    assert image.read_bytes() == wanted


def test_the_same_test_runs_once_at_a_time(tmp_path, monkeypatch):
    """It would write to the same state; another test has its own."""
    key = run_key(runner_of(tmp_path))
    other = FolderLock(str(tmp_path / 'test_state' / key / '.lock'), 'tests')
    other.acquire(print)
    monkeypatch.setattr(folder_lock, '_HELD', [])  # of another process
    with pytest.raises(FolderInUseError, match='in use: process'):
        runner_of(tmp_path).test()
    assert runner_of(tmp_path, test_dataloader__dataset__seed=4).test()
    monkeypatch.setattr(folder_lock, '_HELD', [other])
    other.release()


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
