"""The same work on many files."""
import os
import signal
import time

import pytest

from rcg.datasets.map_files import map_files


def shout(path):
    if path == 'bad':
        raise ValueError('no such thing')
    return path.upper()


@pytest.mark.parametrize('num_workers', [0, 2])
def test_results_come_in_order(num_workers, capsys):
    files = [f'f{i}' for i in range(50)]
    assert list(map_files(shout, files, num_workers)) == [
        (file, file.upper()) for file in files]
    out = capsys.readouterr().out
    assert out.count('\n') == 1  # the last; no line before 5 seconds
    assert '50/50 files' in out
    assert 'left 0:00:00' in out


def test_lines_of_progress(capsys):
    list(map_files(shout, ['a', 'b', 'c'], 1, interval=0))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ['1/3', '2/3', '3/3']


@pytest.mark.parametrize('num_workers', [1, 2])
def test_errors_arrive(num_workers):
    with pytest.raises(ValueError, match='no such thing'):
        list(map_files(shout, ['a', 'bad', 'c'], num_workers))


def test_nothing_to_do(capsys):
    assert list(map_files(shout, [], 2)) == []
    assert capsys.readouterr().out == ''
    with pytest.raises(ValueError, match='negative, got -1'):
        list(map_files(shout, ['a'], -1))


def die(path):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_named():
    with pytest.raises(RuntimeError, match=r'was killed.*fewer workers'):
        list(map_files(die, ['a', 'b', 'c'], 2))


def test_what_nobody_waits_for_is_not_done(tmp_path):
    """A loop over the results that is left ends the work."""
    files = [str(tmp_path / str(i)) for i in range(4000)]
    results = map_files(touch, files, 2)
    next(results)
    results.close()
    assert len(list(tmp_path.iterdir())) < 1000


def touch(path):
    time.sleep(.0005)
    with open(path, 'w'):
        pass
