"""A work folder has one run at a time; a dead one does not count."""
import json
import multiprocessing
import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
from mmengine.hooks import Hook

from rcg.engine import folder_lock
from rcg.engine.folder_lock import FolderInUseError, FolderLock, claim

from ..test_evaluation.toy import run_processes
from .running import build_runner


def take(path, say=lambda text: None):
    lock = FolderLock(str(path), 'trains')
    lock.acquire(say)
    return lock


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'run' / '.lock'


@pytest.fixture
def fast(monkeypatch):
    monkeypatch.setattr(folder_lock, 'HEARTBEAT', .05)
    monkeypatch.setattr(folder_lock, 'SILENCE', 1.)


def _hold(path, connection, beat):
    folder_lock.HEARTBEAT = beat
    take(path)
    connection.send('held')
    time.sleep(60)


@pytest.fixture
def other(path):
    """Starts a process that holds the lock."""
    started = []

    def start(beat=.05):
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context('fork').Process(
            target=_hold, args=(path, theirs, beat))
        process.start()
        started.append(process)
        assert ours.recv() == 'held'
        return process

    yield start
    for process in started:
        process.kill()
        process.join()


def test_the_second_is_refused_with_the_first_ones_name(path, other):
    process = other()
    with pytest.raises(FolderInUseError) as caught:
        take(path)
    said = str(caught.value)
    for part in (str(path.parent), f'process {process.pid} on '
                 f'{socket.gethostname()}', f'since {time.strftime("%Y")}-'):
        assert part in said


def test_a_killed_process_holds_nothing(path, other):
    process = other()
    process.kill()
    process.join()
    assert path.exists()
    take(path).release()
    assert not path.exists()


def test_a_stopped_process_still_holds(path, other):
    process = other()
    os.kill(process.pid, signal.SIGSTOP)
    with pytest.raises(FolderInUseError):
        take(path)


def _hold_with_a_worker(path, connection):
    take(path)
    if os.fork() == 0:  # a loader worker that lives on
        connection.send(os.getpid())
        time.sleep(60)
    time.sleep(60)


def test_a_worker_that_lives_on_does_not_hold(path):
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context('fork').Process(
        target=_hold_with_a_worker, args=(path, theirs))
    process.start()
    worker = ours.recv()
    process.kill()
    process.join()
    try:
        take(path).release()
    finally:
        os.kill(worker, signal.SIGKILL)


def of_another_machine(path, monkeypatch):
    """Make the file look like that of a run on another machine."""
    holder = dict(json.loads(path.read_text()), boot='b' * 32, host='node7')
    path.write_text(json.dumps(holder))
    monkeypatch.setattr(folder_lock, 'lock_file', lambda file: True)


def test_a_run_on_another_machine_gives_signs_of_life(path, other, fast,
                                                      monkeypatch):
    """Its lock of the operating system is not seen here."""
    other()
    of_another_machine(path, monkeypatch)
    said = []
    with pytest.raises(FolderInUseError, match='on node7'):
        take(path, said.append)
    assert 'sign of life' in said[0]


@pytest.mark.parametrize('has_locks', [True, None])
def test_a_silent_run_on_another_machine_is_dead(path, other, fast,
                                                 monkeypatch, has_locks):
    process = other()
    process.kill()
    process.join()
    of_another_machine(path, monkeypatch)
    monkeypatch.setattr(folder_lock, 'lock_file', lambda file: has_locks)
    begin = time.monotonic()
    lock = take(path)
    assert .3 < time.monotonic() - begin < 10
    lock.release()
    take(path).release()


def test_an_old_file_is_not_waited_for(path, other, fast, monkeypatch):
    process = other()
    process.kill()
    process.join()
    of_another_machine(path, monkeypatch)
    os.utime(path, (1e9, 1e9))
    said = []
    take(path, said.append).release()
    assert not said


def test_without_locks_the_signs_of_life_tell(path, other, fast, monkeypatch):
    other()
    monkeypatch.setattr(folder_lock, 'lock_file', lambda file: None)
    with pytest.raises(FolderInUseError):
        take(path)


@pytest.mark.parametrize('text', ['', '[]', '\0\0'])
def test_a_damaged_file_stops_nobody_for_ever(path, fast, text):
    path.parent.mkdir()
    path.write_text(text)
    take(path).release()


def test_who_was_silent_for_long_notices_that_it_lost(path, fast,
                                                      monkeypatch):
    lock = take(path)
    monkeypatch.setattr(folder_lock, 'lock_file', lambda file: True)
    monkeypatch.setattr(folder_lock, 'boot_id', lambda: 'b' * 32)
    lock._stop.set()
    os.utime(path, (1e9, 1e9))
    second = take(path)
    with pytest.raises(FolderInUseError, match='another one took over'):
        lock.check()
    second.release()


def _claim(path):
    try:
        claim(str(path), 'trains', print)
    except FolderInUseError as error:
        return str(error)
    return 'held'


def test_all_processes_of_a_run_share_it_or_are_refused(path, tmp_path,
                                                        other):
    assert run_processes(2, tmp_path, _claim, path) == ['held', 'held']
    process = other()
    for said in run_processes(3, tmp_path, _claim, path):
        assert f'process {process.pid} on' in said


class SecondRun(Hook):
    """Starts another run in the work folder of one that trains."""

    def __init__(self, act):
        self.act = act

    def after_train_iter(self, runner, batch_idx, **kwargs):
        if batch_idx == 2:
            self.act(Path(runner.work_dir))


@pytest.mark.parametrize('resume', [False, True])
def test_a_second_training_changes_nothing(tmp_path, resume):
    def second(folder):
        before = {path.name: path.read_bytes() for path in folder.iterdir()
                  if path.is_file()}
        assert '.lock' in before
        runner = build_runner(folder, resume=resume, randomness__seed=3)
        with pytest.raises(FolderInUseError, match='is in use: process'):
            runner.train()
        assert before == {path.name: path.read_bytes() for path in
                          folder.iterdir() if path.is_file()}

    runner = build_runner(tmp_path, train_cfg__max_iters=4)
    runner.register_hook(SecondRun(second))
    runner.train()
    assert not (tmp_path / '.lock').exists()
    build_runner(tmp_path, train_cfg__max_iters=6, resume=True).train()


def test_a_folder_in_use_can_be_tested_from(tmp_path):
    def test(folder):
        config = (folder / 'toy_config.py').read_bytes()
        runner = build_runner(
            folder, train_cfg=None, train_dataloader=None, optim_wrapper=None,
            val_cfg=None, val_dataloader=None, val_evaluator=None,
            param_scheduler=None, custom_hooks=[],
            load_from=str(folder / 'iter_2.pth'))
        assert runner.test()
        assert (folder / 'toy_config.py').read_bytes() == config

    runner = build_runner(tmp_path, train_cfg__max_iters=4)
    runner.register_hook(SecondRun(test))
    runner.train()


def test_half_written_files_of_killed_runs_go(tmp_path):
    """Also those of other machines; files of others stay."""
    (tmp_path / 'samples').mkdir()
    gone = [tmp_path / f'{name}.node7-1.part' for name in (
        '.iter_900.pth', '.best.pth', '.last_checkpoint', '.validations.json',
        'samples/.iter_900.png')]
    stay = [tmp_path / '.metrics.json.node7-1.part', tmp_path / '.part']
    for path in gone + stay:
        path.touch()
    build_runner(tmp_path, train_cfg__max_iters=1).train()
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in stay)


def test_a_failed_run_gives_the_folder_back(tmp_path):
    runner = build_runner(tmp_path, train_cfg__max_iters=4)
    runner.register_hook(SecondRun(lambda folder: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        runner.train()
    assert not (tmp_path / '.lock').exists()


def test_a_lost_folder_is_not_written_to(tmp_path):
    def lose(folder):
        holder = json.loads((folder / '.lock').read_text())
        (folder / '.lock').write_text(json.dumps({**holder, 'token': 'x'}))

    runner = build_runner(tmp_path, train_cfg__max_iters=4)
    runner.register_hook(SecondRun(lose))
    with pytest.raises(FolderInUseError, match='took over'):
        runner.train()
    assert not (tmp_path / 'iter_4.pth').exists()


def test_the_holder_beats(path, fast):
    before = threading.active_count()  # with those of earlier tests
    lock = take(path)
    os.utime(path, (1e9, 1e9))
    deadline = time.monotonic() + 10
    while path.stat().st_mtime == 1e9 and time.monotonic() < deadline:
        time.sleep(.05)
    assert path.stat().st_mtime > 1e9
    lock.release()
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(.05)
    assert threading.active_count() <= before
