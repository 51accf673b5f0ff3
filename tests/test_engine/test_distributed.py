"""Joining a process group: what is missing is said."""
import os
import socket
import time
import types
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from torch.distributed import HashStore

from rcg.engine import distributed
from rcg.engine.distributed import on_first_process, start_processes
from rcg.engine.hooks import resumable_test
from rcg.engine.processes import meeting
from rcg.engine.processes.lost import LostProcessError
from tests.test_evaluation.toy import run_processes


@pytest.fixture
def bare(monkeypatch):
    environment = {k: v for k, v in os.environ.items() if k not in (
        *distributed._TORCHRUN, 'SLURM_PROCID')}
    monkeypatch.setattr(os, 'environ', environment)
    monkeypatch.setattr(distributed, 'end_with_parent', lambda: None)
    return monkeypatch


def test_without_torchrun(bare):
    with pytest.raises(ValueError, match='RANK.*dist_train.sh'):
        start_processes('pytorch')


def test_without_srun(bare):
    with pytest.raises(ValueError, match='slurm_train.sh'):
        start_processes('slurm')


def test_unknown_launcher(bare):
    with pytest.raises(ValueError, match="'mpi'"):
        start_processes('mpi')


def test_slurm_variables_become_those_of_torchrun(bare):
    for name, value in {'SLURM_PROCID': '3', 'SLURM_LOCALID': '1',
                        'SLURM_NTASKS': '4', 'MASTER_ADDR': 'host'}.items():
        os.environ[name] = value
    joined = {}
    bare.setattr(distributed.torch.cuda, 'is_available', lambda: False)
    bare.setattr(distributed, 'join', lambda backend, timeout: joined.update(
        backend=backend, timeout=timeout))
    start_processes('slurm', backend='nccl')
    assert joined == {'backend': 'gloo', 'timeout': 1800}  # no GPU here
    assert [os.environ[name] for name in distributed._TORCHRUN] == [
        '3', '1', '4', 'host', '29500']


@pytest.mark.parametrize(('processes', 'backend'), [(2, 'nccl'), (3, 'gloo')])
def test_nccl_needs_a_gpu_for_each_process(bare, processes, backend):
    os.environ.update(RANK='2', LOCAL_RANK='2', WORLD_SIZE='8',
                      LOCAL_WORLD_SIZE=str(processes), MASTER_ADDR='host',
                      MASTER_PORT='1')
    found = {}
    cuda = distributed.torch.cuda
    bare.setattr(cuda, 'is_available', lambda: True)
    bare.setattr(cuda, 'device_count', lambda: 2)
    bare.setattr(cuda, 'set_device', lambda index: found.update(gpu=index))
    bare.setattr(distributed, 'join',
                 lambda backend, timeout: found.update(backend=backend))
    start_processes('pytorch')
    assert found == {'gpu': 0, 'backend': backend}


def _begin_a_test():
    """The first process fails; a hook says so on both."""
    def fail(runner):
        raise ValueError('a damaged state')

    resumable_test.run_key = fail
    sampler = types.SimpleNamespace()
    runner = types.SimpleNamespace(
        hooks=[], test_dataloader=types.SimpleNamespace(
            batch_sampler=sampler),
        test_loop=types.SimpleNamespace(
            evaluator=types.SimpleNamespace(metrics=[])))
    numbers = on_first_process(lambda: [3, os.getpid()])
    with pytest.raises((ValueError, RuntimeError)) as caught:
        resumable_test.ResumableTestHook().before_test(runner)
    return numbers, type(caught.value).__name__, str(caught.value)


def test_an_error_of_the_first_process_is_raised_on_all(tmp_path):
    """Else the others would wait for it until the timeout."""
    first, second = run_processes(2, tmp_path, _begin_a_test)
    assert first[0] == second[0]
    assert first[1:] == ('ValueError', 'a damaged state')
    assert second[1:] == ('RuntimeError', 'the first process failed: '
                                          'ValueError: a damaged state')


def test_interface_that_leads_to_the_first_machine(monkeypatch):
    """Not the one that this host's name resolves to."""
    monkeypatch.delenv('GLOO_SOCKET_IFNAME', raising=False)
    meeting.choose_interface('127.0.0.1')
    assert os.environ.pop('GLOO_SOCKET_IFNAME') == 'lo'
    for name, addresses in psutil.net_if_addrs().items():
        for address in addresses:
            if address.family == socket.AF_INET:
                assert meeting.interface_to(address.address) == name


def test_own_choice_of_an_interface_is_kept(monkeypatch):
    monkeypatch.setenv('GLOO_SOCKET_IFNAME', 'ib0')
    meeting.choose_interface('127.0.0.1')
    assert os.environ['GLOO_SOCKET_IFNAME'] == 'ib0'


def test_restarted_processes_do_not_meet_those_that_have_ended(monkeypatch):
    """The store of torchrun holds what these have written."""
    monkeypatch.setenv('WORLD_SIZE', '3')
    store = HashStore()
    for turn in range(2):
        with ThreadPoolExecutor(3) as pool:
            late = pool.submit(meeting.fresh, store, 1, 3, 20.)
            time.sleep(.2)  # it finds the name of the first turn
            others = [pool.submit(meeting.fresh, store, rank, 3, 20.)
                      for rank in (0, 2)]
            parts = [task.result() for task in (late, *others)]
        assert not parts[0].check(['key'])
        parts[0].set('key', str(turn))
        assert [part.get('key') for part in parts] == [str(turn).encode()] * 3


@pytest.mark.parametrize(('rank', 'absent'), [(0, 'rank 1, 2'), (1, 'rank 0')])
def test_process_that_does_not_come_is_named(monkeypatch, rank, absent):
    monkeypatch.setenv('WORLD_SIZE', '3')
    with pytest.raises(LostProcessError, match=f'{absent} did not come'):
        meeting.fresh(HashStore(), rank, 3, .1)


def test_machine_that_does_not_come(monkeypatch):
    """One sentence, after the timeout, with the address."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    for name, value in dict(RANK=0, WORLD_SIZE=2, MASTER_ADDR='127.0.0.1',
                            MASTER_PORT=port).items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv('GLOO_SOCKET_IFNAME', raising=False)
    with pytest.raises(LostProcessError, match=f'2 processes were to meet at '
                       f'127.0.0.1:{port} within 1 s.*1/2 clients'):
        meeting.join('gloo', timeout=1.)
    os.environ.pop('GLOO_SOCKET_IFNAME', None)
