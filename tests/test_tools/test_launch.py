"""The shell scripts: what they start, with which variables."""
import os
import signal
import subprocess
import sys
import time

import pytest
from torch.distributed.elastic.multiprocessing.errors import (
    ChildFailedError,
    ProcessFailure,
)

from tools import _torchrun

from ..test_engine.running import ROOT, environment


def stub(folder, name, text):
    """An executable script in place of a program."""
    path = folder / name
    path.write_text(f'#!/bin/sh\n{text}\n')
    path.chmod(0o755)


@pytest.fixture
def start(tmp_path):
    """Run a script; python and srun only print what they were given."""
    for name in ('python', 'srun'):
        stub(tmp_path, name, f'echo {name} "$@"\n'
             'echo "OMP=$OMP_NUM_THREADS PORT=$MASTER_PORT"')

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
    for rest in ((), ('--amp', '--resume')):  # WORK_DIR is that of the config
        out = start('slurm_train.sh', 'part', 'job', 'c.py', *rest).stdout
        assert ' '.join(('train.py c.py', *rest, '--launcher slurm')) in out
    out = start('slurm_test.sh', 'part', 'job', 'c.py', 'x.pth').stdout
    assert 'test.py c.py x.pth --launcher slurm' in out


@pytest.mark.parametrize(('status', 'job', 'script'), [
    (75, '7', 'slurm_train.sh'), (75, '7', 'slurm_test.sh'),
    (75, '', 'slurm_train.sh'), (1, '7', 'slurm_train.sh'),
    (130, '7', 'slurm_train.sh'), (0, '7', 'slurm_train.sh')])
def test_stopped_job_goes_back_into_the_queue(start, tmp_path, status, job,
                                              script):
    stub(tmp_path, 'srun', f'exit {status}')
    stub(tmp_path, 'scontrol', 'echo scontrol "$@"')
    done = start(script, 'part', 'job', 'c.py', 'work', SLURM_JOB_ID=job)
    assert done.returncode == status
    assert ('scontrol requeue 7' in done.stdout) == (
        status == 75 and job == '7')
    if status == 75 and not job:
        assert '--resume goes on' in done.stderr


def test_signals_come_before_the_time_is_over(start):
    assert 'srun --signal USR1@120 ' in start(
        'slurm_train.sh', 'part', 'job', 'c.py', 'work').stdout
    assert 'srun --signal USR1@600 ' in start(
        'slurm_train.sh', 'part', 'job', 'c.py', 'work',
        SIGNAL='USR1@600').stdout


@pytest.mark.parametrize(('name', 'requeued'), [
    ('USR1', True), ('TERM', False)])
def test_signal_to_the_script_reaches_srun(tmp_path, name, requeued):
    """A cancelled job (SIGTERM) does not come back."""
    stub(tmp_path, 'srun', f'trap "echo got {name}; exit 75" {name}\n'
         'echo begun > begun\nwhile :; do sleep .05; done')
    stub(tmp_path, 'scontrol', 'echo scontrol "$@"')
    stub(tmp_path, 'python', 'exit 0')
    script = subprocess.Popen(
        ['bash', ROOT / 'tools' / 'slurm_train.sh', 'part', 'job', 'c.py',
         'work'], cwd=tmp_path, stdout=subprocess.PIPE, text=True,
        env=environment(PATH=f'{tmp_path}:{os.environ["PATH"]}',
                        SLURM_JOB_ID='7', PYTHON='python'))
    end = time.monotonic() + 30
    while not (tmp_path / 'begun').exists() and time.monotonic() < end:
        time.sleep(.02)
    script.send_signal(getattr(signal, f'SIG{name}'))
    out = script.communicate(timeout=30)[0]
    assert script.returncode == 75
    assert f'got {name}' in out
    assert ('scontrol requeue 7' in out) == requeued


def test_restarts_of_torchrun(start):
    assert '--max-restarts 3 --standalone' in start(
        'dist_train.sh', 'c.py', '2', MAX_RESTARTS='3').stdout


def failures(codes):
    for i, code in enumerate(codes):
        failure = ProcessFailure(i, 1000 + i, code, '')
        failure.timestamp = i
        yield i, failure


@pytest.mark.parametrize(('codes', 'status', 'said'), [
    ([75, 75], 75, ''), ([75, -15], 75, ''), ([130, 130], 130, ''),
    ([1, 75], 1, 'process 0 ended with exit status 1'),
    ([75, 1], 1, 'process 1 ended with exit status 1'),
    ([3, -15], 3, 'process 0 ended with exit status 3'),
    ([-9, -15], 1, 'process 0 ended with signal SIGKILL')])
def test_exit_status_of_torchrun(codes, status, said, capsys):
    error = ChildFailedError('x', dict(failures(codes)))
    assert _torchrun.status_of(error) == status
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(('script', 'args'), [
    ('dist_train.sh', ['c.py', '8']), ('dist_test.sh', ['c.py', 'work', '8']),
    ('dist_cache_features.sh', ['c.py', '8']),
    ('slurm_train.sh', ['part', 'job', 'c.py']),
    ('slurm_test.sh', ['part', 'job', 'c.py', 'work'])])
def test_one_process_looks_first_for_what_is_missing(start, tmp_path, script,
                                                     args):
    stub(tmp_path, 'python', 'case "$*" in *--check*) echo missing >&2; '
         'exit 1;; esac; echo started "$@"')
    stub(tmp_path, 'srun', 'echo started "$@"')
    done = start(script, *args)
    assert done.returncode == 1
    assert done.stderr == 'missing\n' and 'started' not in done.stdout
    assert 'started' in start(script, *args, RCG_CHECK='0').stdout


def test_a_dry_run_is_of_one_process(start, tmp_path):
    stub(tmp_path, 'python', 'echo python "$@" for $WORLD_SIZE')
    done = start('dist_train.sh', 'c.py', '8', '--dry-run', NNODES='2')
    line = done.stdout.splitlines()[-1]
    assert line.endswith('tools/train.py c.py --dry-run for 16')


def test_errors_that_were_left_are_told_last(tmp_path, capsys):
    (tmp_path / '0.json').write_text(
        '{"text": "no", "same": "no", "time": 1, "trace": ""}')
    error = ChildFailedError('x', dict(failures([1, -9])))
    assert _torchrun.status_of(error, str(tmp_path)) == 1
    assert capsys.readouterr().err == (
        '\nprocess 1 ended with signal SIGKILL\n\nerror: no\n')


@pytest.mark.slow
def test_an_error_of_all_ranks_is_told_once_under_slurm(tmp_path):
    stub(tmp_path, 'srun', """
while [ "$1" != python ]; do shift; done
for i in 0 1; do SLURM_PROCID=$i SLURM_NTASKS=2 "$@" & children="$children $!"
done
for child in $children; do wait $child || status=$?; done
echo srun: error >&2; exit $status""")
    stub(tmp_path, 'python', f'exec {sys.executable} "$@"')
    done = subprocess.run(
        ['bash', ROOT / 'tools/slurm_train.sh', 'part', 'job', 'none.py'],
        env=environment(PATH=f'{tmp_path}:{os.environ["PATH"]}',
                        PYTHON='python', RCG_CHECK='0'),
        capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith('srun: error\n\nerror (of all 2 processes): '
                                  "There is no config 'none.py'")
    assert done.stderr.count('no config') == 1
    assert not [*tmp_path.glob('.rcg-errors-*')]


def test_without_a_folder_each_rank_tells_its_own(start, tmp_path):
    stub(tmp_path, 'srun', 'echo "to ${RCG_ERRORS:-none}"')
    stub(tmp_path, 'mktemp', 'exit 1')
    assert 'to none' in start('slurm_train.sh', 'a', 'b', 'c.py').stdout


@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh',
                                    'slurm_train.sh', 'slurm_test.sh'])
def test_usage(start, script):
    done = start(script, 'c.py')
    assert done.returncode == 2
    assert done.stderr.startswith('usage: ')
