"""Two runs give the same bits, or an error names the operation."""
import os
import shutil

import pytest
import torch
from mmengine.registry import init_default_scope
from mmengine.runner import FlexibleRunner
from torch.backends import cudnn

from rcg.apis import test as score
from rcg.apis import train
from rcg.engine import determinism, load_config
from tools import test as test_tool
from tools import train as train_tool

from .running import CONFIG, build_runner
from .toy import ToyModel

VARIABLE = 'CUBLAS_WORKSPACE_CONFIG'


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    monkeypatch.setenv(VARIABLE, 'to be restored')
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(cudnn, 'deterministic', False)
    monkeypatch.setattr(cudnn, 'benchmark', False)
    yield
    torch.use_deterministic_algorithms(False)


def weights(folder):
    return torch.load(folder / 'iter_10.pth', weights_only=True)['state_dict']


def same(first, second):
    return all(torch.equal(value, second[key])
               for key, value in first.items())


def test_everything_is_set_before_the_gpu_is_used(tmp_path):
    build_runner(tmp_path, env_cfg__cudnn_benchmark=True,
                 randomness__deterministic=True)
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
    assert (cudnn.deterministic, cudnn.benchmark) == (True, False)
    assert os.environ[VARIABLE] == ':4096:8'


def test_nothing_is_set_unasked(tmp_path):
    build_runner(tmp_path)
    assert not torch.are_deterministic_algorithms_enabled()
    assert VARIABLE not in os.environ


def test_train_and_test_take_it(tmp_path):
    for name in 'ab':
        runner = train(CONFIG, work_dir=str(tmp_path / name),
                       deterministic=True)
        assert runner.deterministic
        assert runner.cfg.randomness == dict(seed=0, deterministic=True)
    assert same(weights(tmp_path / 'a'), weights(tmp_path / 'b'))
    scores = [score(CONFIG, str(tmp_path / name), deterministic=True,
                    work_dir=str(tmp_path / f't{name}')) for name in 'ab']
    for found in scores:
        del found['protocol']
    assert scores[0] == scores[1]
    for tool, names in ((train_tool, 'c'), (test_tool, 'cw')):
        assert tool.parse_args([*names, '--deterministic']).deterministic
        assert not tool.parse_args([*names]).deterministic


def test_names_the_operation(tmp_path, monkeypatch):
    def encode(self, images):
        return {'representations': torch.zeros(3).put_(
            torch.tensor([1]), torch.ones(1))}

    forward = ToyModel.forward
    monkeypatch.setattr(ToyModel, 'forward', lambda self, *args, **kwargs: (
        encode(self, None), forward(self, *args, **kwargs))[1])
    with pytest.raises(ValueError, match=r'no deterministic put_.* Without '
                       '--deterministic'):
        build_runner(tmp_path / 'a', randomness__deterministic=True).train()


def test_other_errors_stay(monkeypatch):
    with pytest.raises(RuntimeError, match='^out of luck$'), \
            determinism.naming_operations():
        raise RuntimeError('out of luck')


def test_a_workspace_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, ':16:8')
    determinism.prepare_cublas()
    assert os.environ[VARIABLE] == ':16:8'
    monkeypatch.setenv(VARIABLE, ':0:0')
    with pytest.raises(ValueError, match="is ':0:0'.*:4096:8 or :16:8"):
        build_runner(tmp_path, randomness__deterministic=True)


def test_a_gpu_in_use_is_too_late(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_initialized', lambda: True)
    monkeypatch.setattr(torch.cuda, 'memory_reserved', lambda: 1)
    with pytest.raises(ValueError, match=f'{VARIABLE}=:4096:8 before'):
        determinism.prepare_cublas()


def test_flexible_runner(tmp_path):
    init_default_scope('rcg')
    FlexibleRunner.from_cfg(load_config(CONFIG, {
        'work_dir': str(tmp_path), 'randomness.deterministic': True,
        'experiment_name': 'a flexible runner',
        'train_cfg.max_iters': 2})).train()
    assert os.environ[VARIABLE] == ':4096:8'


def test_a_dumped_config_alone_starts_the_same_run(tmp_path, monkeypatch):
    folder = tmp_path / 'first'
    train(CONFIG, work_dir=str(folder), amp=True, options={
        'randomness.seed': 3, 'optim_wrapper.clip_grad.max_norm':
        float('inf'), '_note': {"it's": 1, 'class': 2, 'a\nb': -float('inf')}})
    (tmp_path / 'empty').mkdir()
    shutil.copy(folder / 'toy_config.py', tmp_path / 'empty')
    monkeypatch.chdir(tmp_path / 'empty')
    runner = train('toy_config.py', work_dir='again')
    assert runner.cfg._note == {"it's": 1, 'class': 2, 'a\nb': -float('inf')}
    first, again = weights(folder), weights(tmp_path / 'empty/again')
    assert same(first, again)
    other = train(CONFIG, work_dir=str(tmp_path / 'other'), amp=True)
    assert not same(first, weights(tmp_path / 'other'))
    assert other.seed == 0
