"""Workers that are killed or hang are named; files that vanish are skipped."""
import gc
import multiprocessing
import os
import signal
import time
from multiprocessing import Pipe, get_context

import numpy as np
import pytest
from PIL import Image
from torch.utils.data import ConcatDataset, Dataset, Subset

from rcg.datasets import ImageFolder
from rcg.engine import data_loading, stock_data
from rcg.engine.data_loading import (
    WatchedLoader,
    _Batches,
    check_files,
    forget_workers,
    named_workers,
)

from .running import build_runner
from .toy import ToyDataset


class Failing(Dataset):
    """Does something to the process that reads item 5."""

    def __init__(self, act):
        self.act = act

    def __len__(self):
        return 12

    def __getitem__(self, index):
        if index == 5:
            self.act()
        return index


def send(number):
    return lambda: os.kill(os.getpid(), number)


@pytest.mark.parametrize('pin', [False, True])
def test_a_worker_that_stopped_is_named_in_time(pin):
    loader = WatchedLoader(Failing(send(signal.SIGSTOP)), batch_size=2,
                           num_workers=2, timeout=1, pin_memory=pin)
    start = time.monotonic()
    batches = iter(loader)
    with pytest.raises(RuntimeError, match=(
            r'worker 0 of the data loader \(process \d+, stopped\) gave no '
            r'batch for 1 s.*--resume')):
        list(batches)
    assert time.monotonic() - start < 20
    for worker in batches.batches._workers:  # Python will not wait for them
        worker.join(10)
        assert worker.exitcode is not None


class Owing:
    """torch's iterator while it asks a worker for the file of a tensor."""
    _worker_pids_set, _rcvd_idx, _task_info = False, 7, {7: (0, )}

    def __init__(self, work):
        self.connection, theirs = Pipe()
        self._workers = [get_context('fork').Process(target=work,
                                                     args=(theirs, ))]
        self._workers[0].start()
        theirs.close()

    def __next__(self):
        return self.connection.recv()


def stop(connection):
    os.kill(os.getpid(), signal.SIGSTOP)


def answer_late(connection):
    time.sleep(1.1)
    connection.send('batch')


def test_a_worker_that_stopped_with_half_a_batch_is_named_in_time():
    batches = _Batches(Owing(stop), timeout=.3)
    start = time.monotonic()
    with pytest.raises(RuntimeError, match=(
            r'worker 0 of the data loader \(process \d+, stopped\) gave no '
            r'batch for 0.3 s')):
        next(batches)
    assert .8 < time.monotonic() - start < 15
    batches.batches._workers[0].join(10)
    assert batches.batches._workers[0].exitcode == -signal.SIGKILL


def test_a_slow_worker_is_not_ended():
    assert next(_Batches(Owing(answer_late), timeout=1.)) == 'batch'


@pytest.mark.parametrize(('act', 'message'), [
    (send(signal.SIGKILL), r'was killed by SIGKILL. .*too little memory'),
    (send(signal.SIGBUS), r'was killed by SIGBUS. .*was truncated'),
    (lambda: os._exit(3), r'ended with exit status 3'),
])
def test_a_worker_that_is_gone_is_named(act, message):
    loader = WatchedLoader(Failing(act), batch_size=2, num_workers=2)
    with pytest.raises(RuntimeError, match=r'process \d+\) ' + message):
        list(loader)


def test_a_worker_that_is_gone_while_no_batch_is_awaited():
    """torch raises where the program is; `named_workers` is around it."""
    batches = iter(WatchedLoader(Failing(send(signal.SIGKILL)),
                                 batch_size=2, num_workers=1))
    with pytest.raises(RuntimeError, match=r'\(process \d+\) was killed by'
                                           r' SIGKILL'), named_workers():
        time.sleep(10 + len(next(batches)))
    with pytest.raises(RuntimeError, match='^other$'), named_workers():
        raise RuntimeError('other')


@pytest.mark.parametrize('error', [
    ConnectionResetError(104, 'reset'), EOFError(), FileNotFoundError('socket')
])
def test_a_worker_that_is_still_dying_is_waited_for(error):
    """Its connection breaks before its process has ended."""
    worker = multiprocessing.get_context('fork').Process(
        target=lambda: (time.sleep(0.5), os._exit(3)))
    worker.start()
    batches = iter(WatchedLoader(Failing(int), batch_size=2))

    class Broken:
        _workers = [worker]

        def __next__(self):
            raise error

    batches.batches = Broken()
    with pytest.raises(RuntimeError, match=(
            rf'process {worker.pid}\) ended with exit status 3')):
        next(batches)


def begun(persistent, forked=None):
    """Leave garbage with a data loader in it; return its workers."""
    loader = WatchedLoader(ToyDataset(), batch_size=2, num_workers=2,
                           persistent_workers=persistent)
    batches = iter(loader)
    next(batches)
    cycle = [loader, batches]
    cycle.append(cycle)
    if forked is not None:
        forked.append(cycle)
    return batches.batches._workers


@pytest.mark.parametrize('persistent', [False, True])
def test_workers_of_a_loader_that_became_garbage_are_told_to_end(persistent):
    workers = begun(persistent)
    start = time.monotonic()
    gc.collect()
    assert time.monotonic() - start < 7  # torch waits 10 s for them otherwise
    assert [worker.exitcode for worker in workers] == [0, 0]


def test_workers_of_a_loop_that_was_left_are_told_to_end():
    before = multiprocessing.active_children()
    for _ in WatchedLoader(ToyDataset(), batch_size=2, num_workers=2):
        workers = [child for child in multiprocessing.active_children()
                   if child not in before]
        break
    assert [worker.exitcode for worker in workers] == [0, 0]


def test_persistent_workers_outlive_a_pass():
    loader = WatchedLoader(ToyDataset(), batch_size=2, num_workers=2,
                           persistent_workers=True)
    workers = iter(loader).batches._workers
    for _ in range(2):
        assert len(list(loader)) == len(loader)
        gc.collect()
    assert [worker.exitcode for worker in workers] == [None, None]
    del loader
    assert [worker.exitcode for worker in workers] == [0, 0]


@pytest.mark.parametrize('persistent', [False, True])
def test_workers_outlive_a_loader_whose_batches_are_read(persistent):
    batches = iter(WatchedLoader(ToyDataset(), batch_size=2, num_workers=2,
                                 persistent_workers=persistent))
    gc.collect()
    assert len(list(batches)) == 12


def test_a_forked_process_leaves_the_workers_of_its_parent_alone():
    held = []
    workers = begun(False, held)

    def collect():
        held.clear()
        gc.collect()

    child = get_context('fork').Process(target=collect)
    child.start()
    child.join()
    assert child.exitcode == 0
    assert [worker.exitcode for worker in workers] == [None, None]
    assert sum(len(batch['images']) for batch in held[0][1]) == 22


@pytest.mark.parametrize('persistent', [False, True])
def test_workers_that_python_ends_at_its_exit_are_not_lost(persistent):
    """torch would print a traceback after the last line of a run."""
    loader = WatchedLoader(Failing(int), batch_size=2, num_workers=2,
                           persistent_workers=persistent)
    batches = iter(loader)
    next(batches)
    forget_workers()
    for worker in batches.batches._workers:
        worker.terminate()  # as multiprocessing does then
        worker.join()
    time.sleep(.05)


def test_bad_files_of_a_short_run_make_it_fail(tmp_path, monkeypatch):
    """Also of a dataset that is in another one."""
    def complain(self):
        raise RuntimeError('bad files')

    monkeypatch.setattr(ToyDataset, 'check_files', complain, raising=False)
    runner = build_runner(tmp_path, train_cfg__max_iters=1)
    with pytest.raises(RuntimeError, match='bad files'):
        runner.train()
    assert runner.iter == 1
    data = ToyDataset()
    loader = WatchedLoader(ConcatDataset([Subset(data, [1]), data]))
    with pytest.raises(RuntimeError, match='bad files'):
        check_files(loader.dataset)


def test_a_work_folder_among_the_images_is_no_part_of_them(
        tmp_path, monkeypatch):
    """Also of a dataset that is in another one."""
    Image.new('RGB', (8, 8)).save(tmp_path / 'a.png')
    data = ImageFolder(str(tmp_path))
    monkeypatch.setattr(ToyDataset, 'dataset', ConcatDataset(
        [Subset(data, [0]), Subset(data, [0])]), raising=False)
    work_dir = tmp_path / 'runs' / 'toy'
    build_runner(work_dir, train_cfg__max_iters=1).train()
    Image.new('RGB', (8, 8)).save(work_dir / 'grid.png')
    assert data.list_paths() == ['a.png']


def test_errors_of_files_are_not_waited_for():
    def fail():
        raise FileNotFoundError('mine')

    start = time.monotonic()
    with pytest.raises(FileNotFoundError, match='mine'):
        list(WatchedLoader(Failing(fail), batch_size=2, num_workers=2))
    assert time.monotonic() - start < data_loading.DYING


def test_errors_of_a_dataset_stay():
    def fail():
        raise KeyError('mine')

    for workers in (0, 2):
        with pytest.raises(KeyError, match='mine'):
            list(WatchedLoader(Failing(fail), batch_size=2,
                               num_workers=workers))
    good = WatchedLoader(Failing(int), batch_size=5, num_workers=2)
    assert [batch.tolist() for batch in good] == [
        [0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11]]
    assert good.timeout == 300


def test_a_run_names_a_worker_that_hangs(tmp_path, monkeypatch):
    monkeypatch.setattr(stock_data, 'usable_cores', lambda: 2)
    read = ToyDataset.__getitem__

    def hang(self, item):
        if item.position == 13:
            os.kill(os.getpid(), signal.SIGSTOP)
        return read(self, item)

    monkeypatch.setattr(ToyDataset, '__getitem__', hang)
    runner = build_runner(tmp_path, train_dataloader__num_workers=2,
                          train_dataloader__timeout=1)
    with pytest.raises(RuntimeError, match=r'worker 1 of .* stopped\) gave'):
        runner.train()
    assert runner.iter <= 3


def test_files_that_vanish_or_change_are_skipped_up_to_one_percent(tmp_path):
    for i in range(200):
        Image.fromarray(np.full((4, 4, 3), i, np.uint8)).save(
            tmp_path / f'{i:03d}.png')
    data = ImageFolder(tmp_path)
    loader = WatchedLoader(data, batch_size=50, num_workers=2)
    assert sum(len(batch['images']) for batch in loader) == 200
    (tmp_path / '007.png').unlink()
    (tmp_path / '120.png').write_bytes(b'no image')
    assert sum(len(batch['images']) for batch in loader) == 200
    assert data.bad_files == ['007.png', '120.png']
    (tmp_path / '121.png').unlink()
    with pytest.raises(RuntimeError, match='3 of the 200 images'):
        list(loader)
