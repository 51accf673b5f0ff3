"""Writing is all or nothing."""
import errno
import multiprocessing
import os
import socket
import stat
import subprocess
import time

import pytest
import torch

from rcg.checkpoint import (
    find_checkpoint,
    open_atomically,
    read_checkpoint,
    save_atomically,
    writing,
)


def names(folder):
    return sorted(os.listdir(folder))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte, if this process may mount one."""
    folder = tmp_path / 'disk'
    folder.mkdir()
    done = subprocess.run(
        ['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', str(folder)],
        capture_output=True, check=False)
    yield folder, done.returncode == 0
    if done.returncode == 0:
        subprocess.run(['umount', str(folder)], check=True)


def test_full_disk_keeps_the_previous_checkpoint(small_disk, monkeypatch):
    folder, mounted = small_disk
    save_atomically({'w': torch.ones(1000)}, folder / 'iter_1.pth')
    if not mounted:  # then the system call says what a full disk says
        write = writing._Writer.write

        def full(self, data):
            if len(data) > 10_000:
                self.error = OSError(errno.ENOSPC, 'No space left on device')
                raise self.error
            return write(self, data)

        monkeypatch.setattr(writing._Writer, 'write', full)
    with pytest.raises(OSError, match='free some space') as caught:
        save_atomically({'w': torch.ones(10**6)}, folder / 'iter_2.pth')
    assert caught.value.errno == errno.ENOSPC
    assert 'iter_2.pth' in str(caught.value)
    assert names(folder) == ['iter_1.pth']
    found = read_checkpoint(find_checkpoint(folder))
    assert torch.equal(found['w'], torch.ones(1000))


def test_overwriting_is_atomic_too(tmp_path):
    path = tmp_path / 'a.pth'
    save_atomically({'w': 1}, path)

    def fail_half_way():
        with open_atomically(path) as file:
            file.write(b'half')
            raise RuntimeError('half way')

    with pytest.raises(RuntimeError, match='half way'):
        fail_half_way()
    assert read_checkpoint(path) == {'w': 1}
    assert names(tmp_path) == ['a.pth']


def test_safetensors(tmp_path):
    path = tmp_path / 'a.safetensors'
    save_atomically({'w': torch.ones(2, 3).T}, path)
    assert torch.equal(read_checkpoint(path)['w'], torch.ones(3, 2))


def test_missing_folder_is_explained(tmp_path):
    with pytest.raises(OSError, match='folder exists'):
        save_atomically({}, tmp_path / 'none' / 'a.pth')


def _write_slowly(path, connection):
    with open_atomically(path) as file:
        file.write(b'slow')
        connection.send('begun')
        connection.recv()


@pytest.fixture
def slow_writer(tmp_path):
    """A living process that has begun to write iter_1.pth."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context('fork').Process(
        target=_write_slowly, args=(tmp_path / 'iter_1.pth', theirs))
    process.start()
    assert ours.recv() == 'begun'
    yield process, ours
    process.kill()
    process.join()


@pytest.mark.parametrize('age', [0, 10_000])
def test_clean_up_spares_a_living_writer(tmp_path, slow_writer, age):
    """In another container: nothing but the lock on its file tells."""
    process, connection = slow_writer
    part, = tmp_path.iterdir()
    os.utime(part, (time.time() - age, ) * 2)
    save_atomically({'w': 1}, tmp_path / 'iter_1.pth')
    assert part.exists()
    connection.send('go on')
    process.join()
    assert (tmp_path / 'iter_1.pth').read_bytes() == b'slow'
    assert names(tmp_path) == ['iter_1.pth']


def test_killed_writer_leaves_nothing_that_counts(tmp_path, slow_writer):
    process, _ = slow_writer
    process.kill()
    process.join()
    assert len(names(tmp_path)) == 1  # the unfinished file
    assert names(tmp_path)[0].endswith('.part')
    with pytest.raises(FileNotFoundError):
        find_checkpoint(tmp_path)
    save_atomically({'w': 1}, tmp_path / 'iter_1.pth')
    assert names(tmp_path) == ['iter_1.pth']


def test_equal_hosts_and_processes_do_not_collide(tmp_path, monkeypatch):
    """Two containers: the same host name, process 1 in both."""
    monkeypatch.setattr(socket, 'gethostname', lambda: 'container')
    monkeypatch.setattr(os, 'getpid', lambda: 1)
    path = tmp_path / 'a.pth'
    with open_atomically(path) as first:
        first.write(b'first')
        with open_atomically(path) as second:
            second.write(b'second')
            assert len(names(tmp_path)) == 2
        assert path.read_bytes() == b'second'
    assert path.read_bytes() == b'first'


@pytest.mark.parametrize(('age', 'stays'), [(60, True), (7200, False)])
def test_files_of_other_machines_go_when_they_are_old(tmp_path, age, stays):
    part = tmp_path / f'.a.pth.{"b" * 32}-{"0" * 16}.part'
    part.write_bytes(b'half')
    os.utime(part, (time.time() - age, ) * 2)
    save_atomically({}, tmp_path / 'a.pth')
    assert part.exists() == stays


def test_a_name_that_is_taken_is_never_overwritten(tmp_path, monkeypatch):
    monkeypatch.setattr(writing.secrets, 'token_hex', lambda size: 'same')
    taken = tmp_path / f'.a.pth.{writing.boot_id()}-same.part'
    taken.symlink_to(tmp_path / 'victim')
    with pytest.raises(OSError, match='exists'):
        save_atomically({}, tmp_path / 'a.pth')
    assert not (tmp_path / 'victim').exists()


def test_the_folder_is_synced_after_the_rename(tmp_path, monkeypatch):
    calls, replace, fsync = [], os.replace, os.fsync

    def record(*args):
        calls.append('replace')
        replace(*args)

    def record_sync(descriptor):
        mode = os.fstat(descriptor).st_mode
        calls.append('fsync folder' if stat.S_ISDIR(mode) else 'fsync file')
        fsync(descriptor)

    monkeypatch.setattr(os, 'replace', record)
    monkeypatch.setattr(os, 'fsync', record_sync)
    save_atomically({}, tmp_path / 'a.pth')
    assert calls == ['fsync file', 'replace', 'fsync folder']


def test_files_of_living_and_foreign_writers_stay(tmp_path):
    ours = f'.a.pth.{socket.gethostname()}-{os.getppid()}.part'
    theirs = '.a.pth.another-machine-1.part'
    (tmp_path / ours).touch()
    (tmp_path / theirs).touch()
    save_atomically({}, tmp_path / 'a.pth')
    assert {ours, theirs} <= set(names(tmp_path))
