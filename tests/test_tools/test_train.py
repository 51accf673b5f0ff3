"""tools/train.py: killed and resumed, two processes, what bad input gets."""
import os
import random
import re
import signal
import subprocess
import sys

import pytest
import torch

from tests.forked import run_ranks, start, status_of

from ..test_engine.running import (
    CONFIG,
    ROOT,
    build_runner,
    run_tool,
    scalars,
)

# name: (config, options). Every run here must survive being killed.
# Validation has no influence and is left out.
QUICK = ('val_cfg=None', 'val_dataloader=None', 'val_evaluator=None')
WORKERS = 'train_dataloader.num_workers=2'
KILLED_RUNS = {
    'toy': (CONFIG, (*QUICK, WORKERS, 'train_cfg.max_iters=40')),
    'rdm': (str(ROOT / 'tests' / 'test_tools' / 'rdm_resampled.py'),
            (*QUICK, WORKERS, 'train_cfg.max_iters=20')),
    'flow': (str(ROOT / 'tests' / 'test_tools' / 'rdm_flow_aware.py'),
             (*QUICK, WORKERS, 'train_cfg.max_iters=20')),
    'mage': (str(ROOT / 'tests' / 'test_tools' / 'mage_ema.py'),
             (*QUICK, 'train_cfg.max_iters=20')),
}


@pytest.fixture(scope='module')
def digits(tmp_path_factory):
    """A folder in which the parts of RCG were trained for a moment."""
    folder = tmp_path_factory.mktemp('digits')
    for stage in ('encoder', 'tokenizer', 'rdm'):
        run_tool('train.py', f'configs/digits/{stage}.py', '--cfg-options',
                 *QUICK, 'train_cfg.max_iters=20', cwd=folder)
    return folder


def train_until_killed(work_dir, config, options, iteration, cwd):
    """Train; SIGKILL all its processes once that iteration is reported."""
    pipe = work_dir.with_suffix('.pipe')
    os.mkfifo(pipe)
    process = start('train.py', config, '--work-dir', work_dir,
                    '--cfg-options', *options, out=pipe, cwd=cwd)
    with open(pipe) as lines:
        for line in lines:
            if re.search(rf'\s{iteration}/\d+\s', line):
                os.killpg(process.pid, signal.SIGKILL)
                break
    assert status_of(process) == -signal.SIGKILL, 'it ended by itself'


def nested_tensors(path, value) -> dict[str, torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return {path: value}
    found = {}
    if isinstance(value, dict):
        for key, inner in value.items():
            found.update(nested_tensors(f'{path}.{key}', inner))
    return found


def final_tensors(work_dir) -> dict[str, torch.Tensor]:
    """Weights, averages and optimizer state of the newest checkpoint."""
    name = (work_dir / 'last_checkpoint').read_text()
    content = torch.load(work_dir / name, weights_only=True)
    tensors = {f'{key}.{n}': v for key in ('state_dict', 'ema_state_dict')
               for n, v in content.get(key, {}).items()}
    tensors.update(nested_tensors('optimizer', content['optimizer']))
    assert name == f"iter_{content['meta']['iter']}.pth"
    return {'iteration': torch.tensor(content['meta']['iter']), **tensors}


@pytest.mark.slow
@pytest.mark.parametrize('name', KILLED_RUNS)
def test_killed_and_resumed_is_bit_identical(tmp_path, name, request):
    """SIGKILL at a random iteration; two loader workers, EMA."""
    config, options = KILLED_RUNS[name]
    cwd = tmp_path if name == 'toy' else request.getfixturevalue('digits')
    log = ('default_hooks.logger.interval=1',
           'default_hooks.checkpoint.interval=3')
    whole, killed = tmp_path / 'whole', tmp_path / 'killed'
    run_tool('train.py', config, '--work-dir', whole, '--cfg-options',
             *options, *log, cwd=cwd)
    wanted = final_tensors(whole)
    last = int(wanted['iteration'])
    # Beyond the first checkpoint, or there would be nothing to resume.
    iteration = random.randrange(6, last)
    train_until_killed(killed, config, (*options, *log), iteration, cwd)
    reads = tmp_path / 'reads'
    done = run_tool('train.py', config, '--work-dir', killed, '--resume',
                    '--cfg-options', *options, *log, cwd=cwd,
                    TOY_READS=str(reads))
    start = int(re.search(r'resumed at iteration (\d+)', done.stdout)[1])
    assert 3 <= start <= iteration
    found = final_tensors(killed)
    assert found.keys() == wanted.keys()
    assert any(key.startswith('ema_state_dict') for key in wanted)
    wrong = [n for n, v in wanted.items() if not torch.equal(v, found[n])]
    assert not wrong, f'killed at {iteration}: {wrong}'
    if name == 'toy':  # batches of 4; nothing before them was read
        positions = [int(line.split()[0])
                     for line in reads.read_text().splitlines()]
        assert min(positions) == 4 * start
        ahead = 2 * 2 + 2  # batches that two workers may read too many
        assert len(positions) <= 4 * (last - start + ahead)


@pytest.mark.slow
def test_two_processes_equal_one_with_the_doubled_batch(tmp_path):
    options = ('model.dropout=0.', 'train_cfg.max_iters=8')
    run_ranks(2, 'train.py', CONFIG, '--work-dir', tmp_path / 'two',
              '--cfg-options', *options, 'train_dataloader.batch_size=2',
              folder=tmp_path)
    build_runner(tmp_path / 'one', model__dropout=0.,
                 train_cfg__max_iters=8).train()
    one, two = scalars(tmp_path / 'one'), scalars(tmp_path / 'two')
    assert sorted(one) == sorted(two) == list(range(1, 9))
    for step, value in one.items():
        assert two[step] == pytest.approx(value, rel=1e-5)
    first, second = (final_tensors(tmp_path / run) for run in ('one', 'two'))
    for key, value in first.items():
        if not key.endswith('count'):
            torch.testing.assert_close(second[key], value, rtol=1e-4,
                                       atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize('stage', ['rdm', 'mage'])
def test_stages_on_two_processes_equal_one(digits, tmp_path, stage):
    options = ('--cfg-options', *QUICK, 'train_cfg.max_iters=20',
               'default_hooks.logger.interval=1')
    config = f'configs/digits/{stage}.py'
    run_tool('train.py', config, '--work-dir', tmp_path / 'one', *options,
             'train_dataloader.batch_size=64', cwd=digits)
    run_ranks(2, 'train.py', config, '--work-dir', tmp_path / 'two', *options,
              'train_dataloader.batch_size=32', folder=tmp_path, cwd=digits)
    one, two = scalars(tmp_path / 'one'), scalars(tmp_path / 'two')
    assert sorted(one) == sorted(two) == list(range(1, 21))
    assert one[20] < .95 * one[1]  # it learned something
    for step, value in one.items():
        assert two[step] == pytest.approx(value, rel=1e-5)


@pytest.mark.slow
def test_a_normal_run_has_no_warnings(tmp_path):
    done = run_tool('train.py', CONFIG, '--work-dir', tmp_path / 'run',
                    '--amp', cwd=tmp_path)
    assert done.stderr == ''
    assert 'warn' not in done.stdout.lower()
    assert done.stdout.splitlines()[0] == f'train {CONFIG}'
    assert sorted(p.name for p in tmp_path.iterdir()) == ['run']


@pytest.mark.slow
def test_two_processes_have_no_warnings(tmp_path):
    done = run_tool('dist_train.sh', CONFIG, 2, '--work-dir', tmp_path,
                    '--cfg-options', *QUICK, 'train_dataloader.num_workers=1')
    assert 'warn' not in (done.stdout + done.stderr).lower()
    assert done.stdout.count('1/10') == 1  # one process speaks


def test_first_line_comes_before_imports_and_says_how_to_install(tmp_path):
    """Without any installed package (-S), in a folder that is not ours."""
    done = subprocess.run(
        [sys.executable, '-EsS', str(ROOT / 'tools' / 'train.py'), 'x.py'],
        capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stdout == 'train x.py\n'
    assert 'pip install -e .' in done.stderr
    assert done.returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize(('arguments', 'wanted'), [
    (['configs/none.py'], "no config 'configs/none.py'"),
    ([CONFIG, '--cfg-options', 'trian_cfg.max_iters=3'], "'train_cfg'"),
    ([CONFIG, '--cfg-options', 'model.type=ToyModle'], "'ToyModel'"),
    ([CONFIG, '--cfg-options', 'train_dataloader.sampler.type='
      'DefaultSampler'], 'StreamSampler'),
    ([CONFIG, '--resume', 'none.pth'], "no checkpoint 'none.pth'"),
])
def test_bad_input_gets_a_paragraph(tmp_path, arguments, wanted):
    done = run_tool('train.py', arguments[0], '--work-dir', tmp_path,
                    *arguments[1:], check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert 'Traceback' not in done.stderr
    assert wanted in done.stderr
    assert len(done.stderr.strip().splitlines()) < 6


@pytest.mark.slow
def test_debug_shows_the_traceback(tmp_path):
    done = run_tool('train.py', 'none.py', '--debug', check=False,
                    cwd=tmp_path)
    assert done.returncode == 1
    assert 'Traceback' in done.stderr
