"""What a run ran on stands beside its log."""
import json
import os
import platform
import subprocess
import time

import mmengine
import pytest
import torch

import rcg
from rcg.apis import test as score
from rcg.engine.hooks import environment

from ..running import CONFIG, build_runner


def git(folder, *args):
    return subprocess.run(
        ['git', '-C', str(folder), '-c', 'user.name=a', '-c',
         'user.email=a@b', *args], check=True, capture_output=True,
        text=True).stdout.strip()


def read(folder):
    paths = sorted(folder.glob('*/environment.json'))
    return [json.loads(path.read_text('utf-8')) for path in paths]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with a change, which is the current folder."""
    folder = tmp_path / "my 'project'"
    folder.mkdir()
    git(folder, 'init')
    (folder / 'model.py').write_text('width = 1\n')
    git(folder, 'add', '.')
    git(folder, 'commit', '-m', 'Begin')
    (folder / 'model.py').write_text('width = 2\n')
    (folder / 'new.py').write_text('')
    monkeypatch.chdir(folder)
    return folder


def test_each_start_has_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv('OMP_SCHEDULE', 'static')
    monkeypatch.setenv('RCG_SECRET_TOKEN', 'hidden')
    monkeypatch.setenv('HOMEWORK', 'private')
    build_runner(tmp_path, randomness__seed=7).train()
    build_runner(tmp_path, resume=True, train_cfg__max_iters=12,
                 randomness__seed=7).train()
    score(CONFIG, str(tmp_path), work_dir=str(tmp_path / 'test'))
    first, second, *_ = found = read(tmp_path)
    assert len(found) == 2
    assert first['time'] != second['time']
    assert len(read(tmp_path / 'test')) == 1
    assert (first['seed'], first['deterministic']) == (7, False)
    assert 'python' in first['command']
    assert first['folder'] == os.getcwd()
    assert first['torch'] == torch.__version__
    assert first['packages']['mmengine'] == mmengine.__version__
    assert first['rcg'] == rcg.__version__
    assert platform.python_version() in first['machine']['python']
    assert first['machine']['threads'] == torch.get_num_threads()
    assert first['variables']['OMP_SCHEDULE'] == 'static'
    text = json.dumps(found)
    assert 'hidden' not in text
    assert 'private' not in text


def test_state_of_the_project(tmp_path, project):
    build_runner(tmp_path / 'run').train()
    about, = read(tmp_path / 'run')
    state = about['git'][str(project)]
    assert state['commit'] == git(project, 'rev-parse', 'HEAD')
    assert state['changed'] == [' M model.py', '?? new.py']
    diff, = (tmp_path / 'run').glob('*/*project*.diff')
    assert diff.name == state['diff']
    git(project, 'checkout', 'model.py')
    git(project, 'apply', str(diff))
    assert (project / 'model.py').read_text() == 'width = 2\n'


def test_a_large_change_is_named_only(tmp_path, project, monkeypatch):
    monkeypatch.setattr(environment, '_MAX_DIFF', 10)
    state = environment._git(tmp_path)[str(project)]
    assert state['changed'] == [' M model.py', '?? new.py']
    assert 'diff' not in state
    assert not list(tmp_path.glob('*.diff'))


def test_git_runs_nothing_of_the_repository(tmp_path, project):
    for key in ('diff.external', 'core.fsmonitor', 'diff.x.textconv'):
        git(project, 'config', key, f'touch {tmp_path}/PWNED; false')
    (project / '.gitattributes').write_text('*.py diff=x\n')
    environment._git(tmp_path)
    assert not (tmp_path / 'PWNED').exists()


def test_without_git_and_outside_of_repositories(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('PATH', str(tmp_path))
    assert environment._git(tmp_path) == {}


def test_takes_little_time(tmp_path):
    runner = build_runner(tmp_path)
    hook, = (h for h in runner.hooks
             if isinstance(h, environment.EnvironmentHook))
    start = time.perf_counter()
    hook.before_run(runner)
    assert time.perf_counter() - start < 5
