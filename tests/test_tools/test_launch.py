"""The shell scripts: what they start, with which variables."""
import os
import subprocess

import pytest

from ..test_engine.running import ROOT, environment


@pytest.fixture
def start(tmp_path):
    """Run a script; python and srun only print what they were given."""
    for name in ('python', 'srun'):
        stub = tmp_path / name
        stub.write_text(f'#!/bin/sh\necho {name} "$@"\n'
                        'echo "OMP=$OMP_NUM_THREADS PORT=$MASTER_PORT"\n')
        stub.chmod(0o755)

    def run(script, *args, **variables):
        env = environment(PATH=f'{tmp_path}:{os.environ["PATH"]}',
                          **variables)
        for name in ('PYTHON', 'OMP_NUM_THREADS', 'MASTER_PORT'):
            env.pop(name, None) if name not in variables else None
        return subprocess.run(
            ['bash', str(ROOT / 'tools' / script), *args], env=env,
            capture_output=True, text=True, cwd=tmp_path, check=False)

    return run


def test_one_machine(start):
    out = start('dist_train.sh', 'c.py', '2', '--resume', 'a b').stdout
    assert '--standalone --nproc_per_node 2' in out
    assert out.splitlines()[1].endswith(
        'tools/train.py c.py --resume a b --launcher pytorch')
    assert 'OMP=1' in out


def test_several_machines(start):
    out = start('dist_train.sh', 'c.py', '8', NNODES='2', NODE_RANK='1',
                MASTER_ADDR='10.0.0.1', PORT='1234').stdout
    assert ('--nnodes 2 --node_rank 1 --master_addr 10.0.0.1 '
            '--master_port 1234 --nproc_per_node 8') in out


def test_own_number_of_threads_is_kept(start):
    assert 'OMP=3' in start('dist_train.sh', 'c.py', '2',
                            OMP_NUM_THREADS='3').stdout


def test_evaluation(start):
    out = start('dist_test.sh', 'c.py', 'work', '2', '--out', 'm.json').stdout
    assert out.splitlines()[1].endswith(
        'tools/test.py c.py work --out m.json --launcher pytorch')


def test_slurm(start):
    out = start('slurm_train.sh', 'part', 'job', 'c.py', 'work', '--amp',
                GPUS='4', CPUS_PER_TASK='3', PORT='77',
                SRUN_ARGS='--mem 9G --time 10').stdout
    assert ('--partition part --job-name job --gres gpu:4 --ntasks 4 '
            '--ntasks-per-node 4 --cpus-per-task 3 --kill-on-bad-exit=1 '
            '--mem 9G --time 10 python -u') in out
    assert 'train.py c.py --work-dir work --amp --launcher slurm' in out
    assert 'PORT=77' in out
    out = start('slurm_test.sh', 'part', 'job', 'c.py', 'x.pth').stdout
    assert 'test.py c.py x.pth --launcher slurm' in out


@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh',
                                    'slurm_train.sh', 'slurm_test.sh'])
def test_usage(start, script):
    done = start(script, 'c.py')
    assert done.returncode == 2
    assert done.stderr.startswith('usage: ')
