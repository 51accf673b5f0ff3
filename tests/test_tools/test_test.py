"""tools/test.py: metrics of a checkpoint, on any number of processes."""
import json
import os
import random
import time

import pytest
import torch

from rcg.checkpoint import save_atomically
from tests.forked import run_ranks, start_ranks, status_of

from ..test_engine.running import CONFIG, ROOT, build_runner, run_tool

PAINTER = str(ROOT / 'tests/test_engine/toy_painter_config.py')


def read(path):
    """Scores and protocol, without what differs from run to run."""
    content = json.loads(path.read_text())
    content['protocol'].pop('run')
    return content


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp('trained')
    build_runner(folder, train_cfg__max_iters=4).train()
    return folder


@pytest.mark.slow
def test_metrics_are_the_same_for_one_process_and_two(trained, tmp_path):
    """Of the averaged weights, as in the last validation."""
    one, two = tmp_path / 'new' / 'one.json', tmp_path / 'two.json'
    done = run_tool('test.py', CONFIG, trained, '--work-dir', tmp_path,
                    '--out', one, cwd=tmp_path)
    run_tool('dist_test.sh', CONFIG, trained / 'iter_4.pth', 2, '--work-dir',
             tmp_path, '--out', two, cwd=tmp_path)
    scores = read(one)
    assert scores == read(two)
    assert list(json.loads(one.read_text()))[-1] == 'protocol'
    logged = [json.loads(line) for path in trained.glob('*/*/scalars.json')
              for line in path.read_text().splitlines()]
    assert scores['toy/mean'] == logged[-1]['toy/mean']
    assert done.stderr == ''
    assert 'warn' not in done.stdout.lower()
    alone = run_tool('test.py', '--work-dir', tmp_path, trained, '--out', one,
                     cwd=tmp_path)
    assert alone.stdout.splitlines()[0] == f'test {trained}'
    assert read(one)['toy/mean'] == scores['toy/mean']


@pytest.fixture(scope='module')
def painter(tmp_path_factory):
    """A checkpoint, and the scores of a run that nothing disturbs."""
    folder = tmp_path_factory.mktemp('painter')
    torch.save(build_runner(folder, PAINTER).model.state_dict(),
               folder / 'painter.pth')
    run_tool('test.py', PAINTER, folder / 'painter.pth', '--work-dir',
             folder / 'logs', '--out', folder / 'metrics.json', cwd=folder)
    return folder


@pytest.mark.slow
def test_metrics_are_the_same_for_three_processes(painter, tmp_path):
    run_ranks(3, 'test.py', PAINTER, painter / 'painter.pth', '--work-dir',
              tmp_path, '--out', tmp_path / 'metrics.json', folder=tmp_path)
    assert read(tmp_path / 'metrics.json') == read(painter / 'metrics.json')
    content = json.loads((tmp_path / 'metrics.json').read_text())
    assert content['protocol']['run']['processes'] == 3
    assert content['protocol']['run']['samples'] == 84 * 24


@pytest.mark.slow
def test_killed_three_times_it_ends_with_the_same_scores(painter, tmp_path):
    """2,000 images; SIGKILL at random moments, 2, 3 and 1 processes."""
    rng, seen = random.Random(time.time_ns()), set()
    args = (PAINTER, painter / 'painter.pth', '--work-dir', tmp_path,
            '--save-every', '.2', '--save-images', tmp_path / 'images',
            '--out', tmp_path / 'metrics.json')
    for world in (2, 3, 1):
        children = start_ranks(world, 'test.py', *args, folder=tmp_path,
                               TOY_DELAY=str(.1 * world))
        deadline = time.monotonic() + 300
        while not (states := {path.name for path in tmp_path.glob(
                'test_state/*/state-*.pt')}) - seen:
            assert all(child.is_alive() for child in children), [
                (tmp_path / f'{rank}.log').read_text()
                for rank in range(world)]
            assert time.monotonic() < deadline
            time.sleep(.05)
        seen |= states
        time.sleep(rng.uniform(0, .8))
        for child in children:
            child.kill()
        assert [status_of(child) for child in children] == [-9] * world
        assert not (tmp_path / 'metrics.json').exists()
    assert 'of 84 batches were done before' in run_ranks(
        2, 'test.py', *args, folder=tmp_path / 'last')
    found = read(tmp_path / 'metrics.json')
    assert found == read(painter / 'metrics.json')
    content = json.loads((tmp_path / 'metrics.json').read_text())
    assert 0 < content['protocol']['run']['samples'] < 84 * 24
    assert len(list(tmp_path.glob('images/*/*.png'))) == 2000
    assert not (tmp_path / 'test_state').exists()


@pytest.mark.slow
def test_the_table_names_references_and_protocol(painter, tmp_path):
    out = run_tool('test.py', PAINTER, painter / 'painter.pth', '--work-dir',
                   tmp_path, cwd=tmp_path).stdout
    lines = {line.split()[0]: line for line in out.splitlines() if line}
    assert 'ToyImages (130 images' in lines['generation/fd']
    for title, text in (
            ('samples', 'count 2,000'), ('images', 'truncated to 8 bits'),
            ('config', 'toy_painter_config'), ('checkpoint', 'painter.pth'),
            ('versions', f'torch {torch.__version__}'),
            ('run', 'processes 1')):
        assert text in lines[title]


@pytest.mark.slow
def test_another_architecture_is_listed(trained, tmp_path):
    path = tmp_path / 'other.pth'
    state = torch.load(trained / 'iter_4.pth',
                       weights_only=True)['state_dict']
    state['net.0.weight'] = torch.ones(9, 4)
    state['extra'] = state.pop('net.0.bias')
    save_atomically({'state_dict': state}, path)
    done = run_tool('test.py', CONFIG, path, '--work-dir', tmp_path,
                    '--out', tmp_path / 'metrics.json', check=False)
    assert done.returncode == 1
    assert 'Traceback' not in done.stderr
    for text in ('missing (1): net.0.bias', 'unexpected (1): extra',
                 'net.0.weight: wanted (8, 4), got (9, 4)', str(path)):
        assert text in done.stderr
    assert not (tmp_path / 'metrics.json').exists()


@pytest.mark.slow
def test_truncated_checkpoint(trained, tmp_path):
    path = tmp_path / 'cut.pth'
    path.write_bytes((trained / 'iter_4.pth').read_bytes())
    os.truncate(path, 1000)
    done = run_tool('test.py', CONFIG, path, '--work-dir', tmp_path,
                    check=False)
    assert done.returncode == 1
    assert 'truncated' in done.stderr
    assert 'Traceback' not in done.stderr
