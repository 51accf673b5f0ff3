"""tools/test.py: metrics of a checkpoint, on one process and on two."""
import json
import os

import pytest
import torch

from rcg.checkpoint import save_atomically

from ..test_engine.running import CONFIG, build_runner, run_tool


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
    assert one.read_text() == two.read_text()
    logged = [json.loads(line) for path in trained.glob('*/*/scalars.json')
              for line in path.read_text().splitlines()]
    assert json.loads(one.read_text()) == {'toy/mean': logged[-1]['toy/mean']}
    assert done.stderr == ''
    assert 'warn' not in done.stdout.lower()


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
