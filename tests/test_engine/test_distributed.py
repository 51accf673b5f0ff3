"""Joining a process group: what is missing is said."""
import os

import pytest

from rcg.engine import distributed
from rcg.engine.distributed import start_processes


@pytest.fixture
def bare(monkeypatch):
    environment = {k: v for k, v in os.environ.items() if k not in (
        *distributed._TORCHRUN, 'SLURM_PROCID')}
    monkeypatch.setattr(os, 'environ', environment)
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
    bare.setattr(distributed.distributed, 'init_process_group',
                 lambda backend, **kwargs: joined.update(backend=backend))
    start_processes('slurm', backend='nccl')
    assert joined == {'backend': 'gloo'}  # no GPU here
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
    bare.setattr(distributed.distributed, 'init_process_group',
                 lambda backend, **kwargs: found.update(backend=backend))
    start_processes('pytorch')
    assert found == {'gpu': 0, 'backend': backend}
