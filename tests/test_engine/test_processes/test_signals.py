"""A signal asks to stop: the step is finished, the work is kept."""
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from rcg.engine.processes import signals
from tests.forked import environment, start, start_ranks, status_of

from .. import faults
from ..running import build_runner
from ..toy import ToyDataset

QUIET = dict(val_cfg=None, val_dataloader=None, val_evaluator=None)


@pytest.fixture(autouse=True)
def interruptible():
    """Ctrl-C as in a terminal; a shell's background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def with_fault(work_dir, hooks=(), **options):
    """A Runner whose own process gets a signal."""
    fault = options.pop('fault', {})
    return build_runner(
        work_dir, custom_hooks=[dict(type='TrainableEMAHook', decay=.9),
                                *hooks, dict(type='FaultHook', **fault)],
        **options)


def tensors(folder):
    name = (folder / 'last_checkpoint').read_text()
    content = torch.load(folder / name, weights_only=True)
    return name, [*content['state_dict'].values(),
                  *content['ema_state_dict'].values()]


@pytest.mark.parametrize(('name', 'status'), [
    ('SIGTERM', 75), ('SIGUSR1', 75), ('SIGHUP', 75), ('SIGINT', 130)])
def test_step_is_finished_and_saved(tmp_path, name, status):
    number = getattr(signal, name)
    before = signal.getsignal(number)
    runner = with_fault(tmp_path, **QUIET,
                        fault=dict(at=3, send=[int(number)]))
    with pytest.raises(signals.Stopped, match=name) as stop:
        runner.train()
    assert stop.value.code == status
    assert (tmp_path / 'last_checkpoint').read_text() == 'iter_3.pth'
    assert signal.getsignal(number) is before


def test_resumed_run_is_that_of_no_signal(tmp_path):
    whole, stopped = tmp_path / 'whole', tmp_path / 'stopped'
    build_runner(whole, custom_hooks=[
        dict(type='TrainableEMAHook', decay=.9)], **QUIET).train()
    with pytest.raises(signals.Stopped):
        with_fault(stopped, **QUIET,
                   fault=dict(at=3, send=[int(signal.SIGTERM)])).train()
    build_runner(stopped, resume=True, custom_hooks=[
        dict(type='TrainableEMAHook', decay=.9)], **QUIET).train()
    (name, wanted), (same, found) = tensors(whole), tensors(stopped)
    assert name == same == 'iter_10.pth'
    assert all(map(torch.equal, wanted, found))


def test_step_of_several_batches_is_finished(tmp_path):
    """No gradients are lost: the stop waits for the optimizer's step."""
    runner = with_fault(
        tmp_path, **QUIET, optim_wrapper__accumulative_counts=4,
        train_cfg__max_iters=12, default_hooks__checkpoint__interval=12,
        fault=dict(at=5, send=[int(signal.SIGTERM)]))
    with pytest.raises(signals.Stopped):
        runner.train()
    assert (tmp_path / 'last_checkpoint').read_text() == 'iter_8.pth'


@pytest.mark.parametrize('interval', [5, 100])
def test_validation_is_left_and_its_weights_are_kept(tmp_path, interval):
    """Saved before it or not: the trained weights, not their average."""
    send = dict(at=1, send=[int(signal.SIGTERM)], where='val')
    runner = with_fault(tmp_path / 'a', fault=send,
                        default_hooks__checkpoint__interval=interval)
    with pytest.raises(signals.Stopped):
        runner.train()
    build_runner(tmp_path / 'b', **QUIET, train_cfg__max_iters=5,
                 custom_hooks=[dict(type='TrainableEMAHook', decay=.9)]
                 ).train()
    (name, wanted), (same, found) = map(
        tensors, (tmp_path / 'b', tmp_path / 'a'))
    assert name == same == 'iter_5.pth'
    assert all(map(torch.equal, wanted, found))


@pytest.mark.parametrize(('number', 'error'), [
    (signal.SIGTERM, signals.Stopped), (signal.SIGINT, KeyboardInterrupt)])
def test_where_nothing_is_to_be_kept_a_signal_is_obeyed_at_once(
        number, error):
    with signals.listening(), pytest.raises(error):
        os.kill(os.getpid(), number)


def test_ignored_signals_stay_ignored():
    """As nohup does."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.listening():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signals.requested() == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_nothing_changes_in_a_notebook(monkeypatch):
    monkeypatch.setattr('builtins.__IPYTHON__', True, raising=False)
    before = signal.getsignal(signal.SIGTERM)
    with signals.listening():
        assert signal.getsignal(signal.SIGTERM) is before


def test_nothing_changes_in_a_thread(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    def inside():
        with signals.listening():
            return signal.getsignal(signal.SIGTERM)

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(inside).result() is signal.SIG_DFL


# In a new process: a fork of one with other threads may inherit a lock that
# the pool then waits for.
_POOL = """
import multiprocessing
from rcg.engine.processes import signals

with signals.listening():
    pool = multiprocessing.get_context('fork').Pool(2)
    assert pool.map(abs, [-1, -2]) == [1, 2]
    pool.terminate()  # waits for its workers
"""


def test_workers_of_a_pool_end_when_they_are_told_to():
    done = subprocess.run([sys.executable, '-c', _POOL], timeout=60,
                          env=environment(), check=False)
    assert done.returncode == 0


def test_loader_workers_work_on(tmp_path, monkeypatch):
    """A scheduler signals them too; the step can still be finished."""
    runner = with_fault(
        tmp_path, **QUIET, train_dataloader__num_workers=1,
        train_cfg__max_iters=30, fault=dict(at=30))
    # Tests that failed on purpose may have left some, which die of signals.
    others, workers = multiprocessing.active_children(), []

    def signal_workers(*args, **kwargs):
        if runner.iter == 2:
            workers.extend(worker for worker in
                           multiprocessing.active_children()
                           if worker not in others)
            for worker in workers:
                for number in signals.ASKING:
                    os.kill(worker.pid, number)

    monkeypatch.setattr(runner.hooks[-2], 'after_train_iter', signal_workers)
    monkeypatch.setattr('rcg.engine.stock_data.usable_cores', lambda: 2)
    runner.train()
    assert len(workers) == 1
    workers[0].join(10)  # and end with the training
    assert workers[0].exitcode == 0


def test_interrupted_cache_goes_on(tmp_path):
    """Features that were computed before a signal are not computed again."""
    hook = dict(type='CacheFeaturesHook', cache_dir=str(tmp_path / 'cache'),
                names=['representations'], batch_size=4, shard_size=4)
    reads = []
    original = ToyDataset.__getitem__

    def read(self, item):
        reads.append(item)
        if len(reads) == 9:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self, item)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ToyDataset, '__getitem__', read)
        with pytest.raises(signals.Stopped, match='12 of 26'):
            with_fault(tmp_path / 'run', [hook], **QUIET).train()
        with_fault(tmp_path / 'run', [hook], **QUIET).train()
    images = [item for item in reads if isinstance(item, int)]
    assert images == list(range(26))
    with_fault(tmp_path / 'other', [hook | dict(
        cache_dir=str(tmp_path / 'cache2'))], **QUIET).train()
    one, two = ({path.name: path.read_bytes()
                 for path in (tmp_path / name).glob('*/*')}
                for name in ('cache', 'cache2'))
    assert one == two and len(one) == 7 + 1


def test_second_signal_ends_a_process_that_is_stuck(tmp_path):
    log = tmp_path / 'log'
    process = start('train.py', *faults.training(
        tmp_path, at=3, sleep=100.), out=log)
    faults.wait_for(log, '2/1000')
    time.sleep(.5)
    os.kill(process.pid, signal.SIGTERM)
    time.sleep(1.3)
    assert process.is_alive()
    os.kill(process.pid, signal.SIGTERM)
    assert status_of(process, 20) == 75
    assert 'second one' in log.read_text()


def test_all_processes_stop_after_the_same_step(tmp_path):
    """Only the second process gets the signal."""
    ranks = start_ranks(2, 'train.py', *faults.training(
        tmp_path, at=5, rank=1, send=[int(signal.SIGUSR1)], pause=.02),
        folder=tmp_path)
    assert [status_of(rank) for rank in ranks] == [75, 75]
    name = (tmp_path / 'last_checkpoint').read_text()
    said = (tmp_path / '0.log').read_text()
    iteration = int(name[5:-4])
    assert 5 <= iteration < 200
    assert f'SIGUSR1: iteration {iteration} is saved; go on with --resume' in (
        said)
