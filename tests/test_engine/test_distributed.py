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
