"""Errors of users in one paragraph, bugs with their traceback."""
import importlib
import os
import subprocess
import sys

import pytest
from mmengine.logging import MMLogger

from rcg.engine import load_config
from tests.test_engine.running import ROOT, environment
from tools import _cli
from tools._cli import friendly_errors

# A thread of gloo lets go of its tensors while the second process is busy,
# just before Python takes itself apart, as happened once in 50 runs of
# tools/dist_test.sh. One turn of two processes shows it in four of five. They
# are forks, which end as any process does: importing takes longest.
LATE = """
import atexit, os, sys, time
import torch
from torch import distributed
from rcg.engine import console, errors
from tools._cli import friendly_errors

def be_busy():
    print('leaving', flush=True)
    sys.setswitchinterval(100)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        pass

def begin(name):
    for number, ending in ((1, 'out'), (2, 'err')):
        os.dup2(os.open(f'{name}.{ending}', os.O_WRONLY | os.O_CREAT), number)

def work(folder, turn, rank):
    begin(f'{folder}/{turn}{rank}')
    with friendly_errors(debug=False):
        distributed.init_process_group(
            'gloo', init_method=f'file://{folder}/store{turn}', rank=rank,
            world_size=2)
        atexit.register(be_busy)
        globals()['held'] = distributed.group.WORLD
        time.sleep(1 - rank)
        for _ in range(2):
            distributed.all_reduce(torch.ones(3), async_op=rank == 1)
    print('done')
    sys.exit()

for turn in range(2):
    children = [os.fork() or work(sys.argv[1], turn, 0)]
    children.append(os.fork() or work(sys.argv[1], turn, 1))
    print(*(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            for child in children))
"""


def fail(error, debug=False):
    with friendly_errors(debug):
        raise error


def make_a_mistake(debug=False):
    with friendly_errors(debug):
        load_config('gone.py')


def test_user_errors(capsys):
    with pytest.raises(SystemExit) as caught:
        make_a_mistake()
    assert caught.value.code == 1
    text = capsys.readouterr().err
    assert text.startswith("\nerror: There is no config 'gone.py'")
    assert 'Traceback' not in text


@pytest.mark.parametrize(('given', 'wanted'), [
    (None, 'passive'), ('active', 'active')])
def test_threads_sleep_while_they_wait(monkeypatch, given, wanted):
    monkeypatch.delenv('OMP_WAIT_POLICY', raising=False)
    if given:
        monkeypatch.setenv('OMP_WAIT_POLICY', given)
    importlib.reload(_cli)
    assert os.environ['OMP_WAIT_POLICY'] == wanted


def test_debug_shows_everything():
    with pytest.raises(FileNotFoundError, match=r'gone\.py'):
        make_a_mistake(debug=True)


@pytest.mark.parametrize('error', [
    ZeroDivisionError('x'), TypeError('x'), AttributeError('x')])
def test_bugs_have_their_traceback_and_a_word_on_it(error, capsys):
    with pytest.raises(SystemExit) as caught:
        fail(error)
    assert caught.value.code == 1
    trace, told = capsys.readouterr().err.split('\nerror: ')
    assert trace.startswith('Traceback')
    assert told.startswith(f'{type(error).__name__}: x\nThis is a bug')


def test_interrupt(capsys):
    with pytest.raises(SystemExit) as caught:
        fail(KeyboardInterrupt())
    assert caught.value.code == 130
    assert '--resume' in capsys.readouterr().err


@pytest.mark.slow
def test_threads_of_the_group_do_not_abort_a_finished_process(tmp_path):
    done = subprocess.run(
        [sys.executable, '-c', LATE, tmp_path], capture_output=True,
        text=True, env=environment(), cwd=ROOT, timeout=120, check=False)
    assert (done.stdout, done.stderr) == ('0 0\n0 0\n', '')
    for name in ('00', '01', '10', '11'):
        assert (tmp_path / f'{name}.out').read_text() == 'done\nleaving\n'
        assert (tmp_path / f'{name}.err').read_text() == ''


@pytest.mark.parametrize('debug', [False, True])
@pytest.mark.parametrize('function', [lambda: load_config('gone.py'),
                                      lambda: len(3)])
def test_every_traceback_is_in_the_log(tmp_path, capsys, function, debug):
    path = tmp_path / 'run.log'
    MMLogger.get_instance(str(tmp_path), log_file=str(path))
    with (pytest.raises((SystemExit, TypeError, FileNotFoundError)),
          friendly_errors(debug)):
        function()
    assert 'Traceback' in path.read_text()
    assert debug or str(path) in capsys.readouterr().err
