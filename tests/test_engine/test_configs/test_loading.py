"""Configs: misspelt keys are refused, options are applied."""
import os

import pytest
import torch
from mmengine.logging import MMLogger

from rcg.apis.run_config import load_any_config
from rcg.engine import load_config
from rcg.engine.configs.loading import parse_options
from rcg.engine.length import LENGTHS

from ..running import CONFIG, build_runner


def write(path, text):
    path.write_text(text)
    return str(path)


def test_misspelt_top_level_key_names_the_nearest(tmp_path):
    path = write(tmp_path / 'a.py', 'trian_cfg = dict()')
    with pytest.raises(KeyError, match="'trian_cfg'.*'train_cfg'"):
        load_config(path)


def test_variables_of_ones_own_are_a_warning(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr('rcg.engine.configs.loading.print_log',
                        lambda text, *_: lines.append(text))
    path = tmp_path / 'a.py'
    path.write_text("dataset_type = 'ImageFolder'\ntrain_pipeline = []\n"
                    "max_epochs = 3\nstrategy = dict(type='DDPStrategy')\n")
    assert load_config(str(path)).max_epochs == 3
    told, = lines
    assert all(name in told for name in (
        'dataset_type', 'train_pipeline', 'max_epochs'))
    assert 'strategy' not in told


def test_misspelt_option_is_refused_too():
    with pytest.raises(KeyError, match="'max_iters'"):
        load_config(CONFIG, ['max_iters=3'])


@pytest.mark.parametrize(('options', 'left'), [
    (['train_cfg.max_iters=7'], dict(max_iters=7)),
    ({'train_cfg.max_samples': 70}, dict(max_samples=70)),
    ({'train_cfg': dict(max_epochs=.5)}, dict(max_epochs=.5)),
    (['train_cfg.val_interval=3'], dict(max_iters=10)),
    (['train_cfg.max_iters=7', 'train_cfg.max_epochs=2'],
     dict(max_iters=7, max_epochs=2))])
def test_a_length_replaces_the_inherited_one(options, left):
    for cfg in (load_config(CONFIG, options),
                load_any_config(load_config(CONFIG), options)):
        assert {name: cfg.train_cfg[name] for name in LENGTHS
                if name in cfg.train_cfg} == left


def test_shared_names_and_underscores_are_allowed(tmp_path):
    path = write(tmp_path / 'a.py', '_base_lr = 1\nencoder = dict()\n'
                 "work_dir = 'x'")
    assert load_config(path)._base_lr == 1


def test_options():
    cfg = load_config(CONFIG, [
        'train_cfg.max_iters=7', 'optim_wrapper.optimizer.lr=1e-4',
        'resume=true', 'load_from=None', 'work_dir=a=b'])
    assert cfg.train_cfg.max_iters == 7
    assert cfg.optim_wrapper.optimizer.lr == 1e-4
    assert cfg.resume is True
    assert cfg.load_from is None
    assert cfg.work_dir == 'a=b'
    assert parse_options(['a.b=[1,2]']) == {'a.b': [1, 2]}


def test_option_without_value():
    with pytest.raises(ValueError, match='key=value'):
        parse_options(['work_dir'])


@pytest.mark.parametrize('text', ['model = dict(', None])
def test_a_config_that_fails_leaves_the_log_level(tmp_path, text):
    path = tmp_path / 'a.py'
    if text is not None:
        path.write_text(text)
    console = MMLogger.get_current_instance()
    before = console.level
    with pytest.raises((SyntaxError, FileNotFoundError)):
        load_config(str(path))
    assert console.level == before


def test_the_only_gpu_that_slurm_shows(tmp_path, monkeypatch):
    """MMEngine's logger looked for the LOCAL_RANK-th of those shown."""
    runner = build_runner(tmp_path)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(MMLogger, '_instance_dict', {})
    monkeypatch.setenv('LOCAL_RANK', '3')
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '3')
    with pytest.raises(IndexError):
        MMLogger('of MMEngine alone')
    load_config(CONFIG)
    runner.build_logger()
    assert os.environ['LOCAL_RANK'] == '3'
