"""Errors of users in one paragraph, bugs with their traceback."""
import subprocess
import sys

import pytest
from mmengine.logging import MMLogger

from rcg.checkpoint import CheckpointError
from tests.test_engine.running import ROOT, environment
from tools._cli import friendly_errors, message

# A thread of gloo lets go of its tensors while the second process is busy,
# just before Python takes itself apart, as happened once in 50 runs of
# tools/dist_test.sh.
LATE = """
import atexit, sys, time
import torch
from torch import distributed
from tools._cli import friendly_errors

def be_busy():
    print('leaving', flush=True)
    sys.setswitchinterval(100)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        pass

rank = int(sys.argv[2])
with friendly_errors(debug=False):
    distributed.init_process_group(
        'gloo', init_method=f'file://{sys.argv[1]}', rank=rank, world_size=2)
    atexit.register(be_busy)
    held = distributed.group.WORLD
    time.sleep(1 - rank)
    for _ in range(2):
        distributed.all_reduce(torch.ones(3), async_op=rank == 1)
print('done')
"""


def fail(error, debug=False):
    with friendly_errors(debug):
        raise error


@pytest.mark.parametrize('error', [
    ValueError('too wide'), KeyError('too wide'), TypeError('too wide'),
    CheckpointError('too wide'), FileNotFoundError('too wide')])
def test_user_errors(error, capsys):
    with pytest.raises(SystemExit) as caught:
        fail(error)
    assert caught.value.code == 1
    text = capsys.readouterr().err
    assert 'error: too wide\n' in text
    assert 'Traceback' not in text


def test_debug_shows_everything():
    with pytest.raises(ValueError, match='too wide'):
        fail(ValueError('too wide'), debug=True)


def test_bugs_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        fail(ZeroDivisionError())


def test_interrupt(capsys):
    with pytest.raises(SystemExit) as caught:
        fail(KeyboardInterrupt())
    assert caught.value.code == 130
    assert '--resume' in capsys.readouterr().err


def test_message_of_a_worker_is_its_last_line():
    error = ValueError('Caught ValueError in DataLoader worker process 0.\n'
                       'Original Traceback (most recent call last):\n'
                       '  File "x.py", line 3\nValueError: image x is bad\n')
    assert message(error) == 'ValueError: image x is bad'


def test_message_of_a_system_error_names_the_file():
    error = FileNotFoundError(2, 'No such file', 'a/b')
    assert message(error) == 'No such file: a/b'


def test_message_is_never_empty():
    assert message(ValueError()) == 'ValueError'


@pytest.mark.slow
@pytest.mark.parametrize('turn', range(2))  # one turn shows it in four of five
def test_threads_of_the_group_do_not_abort_a_finished_process(tmp_path, turn):
    ranks = [subprocess.Popen(
        [sys.executable, '-c', LATE, tmp_path / 'store', str(rank)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment(), cwd=ROOT) for rank in range(2)]
    for rank in ranks:
        out, err = rank.communicate(timeout=120)
        assert (rank.returncode, out, err) == (0, 'done\nleaving\n', '')


def test_traceback_of_a_shortened_error_is_in_the_log(tmp_path, capsys):
    path = tmp_path / 'run.log'
    MMLogger.get_instance('of a failing command', log_file=str(path))
    with pytest.raises(SystemExit), friendly_errors(False):
        raise TypeError('unsupported operand')
    assert 'Traceback' not in capsys.readouterr().err
    assert 'Traceback' in path.read_text()
    assert 'unsupported operand' in path.read_text()
