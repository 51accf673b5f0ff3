"""Writing is all or nothing."""
import errno
import os
import socket
import subprocess
import sys

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


def test_killed_writer_leaves_nothing_that_counts(tmp_path):
    path = tmp_path / 'iter_1.pth'
    code = ('import os, signal\n'
            'from rcg.checkpoint import open_atomically\n'
            f'with open_atomically({str(path)!r}) as file:\n'
            "    file.write(b'half')\n"
            '    file.flush()\n'
            '    os.kill(os.getpid(), signal.SIGKILL)\n')
    subprocess.run([sys.executable, '-c', code], check=False)
    assert len(names(tmp_path)) == 1  # the unfinished file
    assert names(tmp_path)[0].endswith('.part')
    with pytest.raises(FileNotFoundError):
        find_checkpoint(tmp_path)
    save_atomically({'w': 1}, path)
    assert names(tmp_path) == ['iter_1.pth']


def test_files_of_living_and_foreign_writers_stay(tmp_path):
    ours = f'.a.pth.{socket.gethostname()}-{os.getppid()}.part'
    theirs = '.a.pth.another-machine-1.part'
    (tmp_path / ours).touch()
    (tmp_path / theirs).touch()
    save_atomically({}, tmp_path / 'a.pth')
    assert {ours, theirs} <= set(names(tmp_path))
