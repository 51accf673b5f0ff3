"""What the caller of a run changes in its config."""
import os
import shutil

import pytest
from mmengine.config import Config

from rcg import apis
from rcg.apis.run_config import (
    config_of_test,
    config_of_work_dir,
    run_config,
)
from rcg.checkpoint import CheckpointError
from rcg.engine import load_config
from rcg.engine.configs import loading as config

from ..test_engine.running import CONFIG, build_runner


def test_a_config_is_not_changed():
    cfg = load_config('configs/digits/mage.py')
    before = cfg.to_dict()
    for options in (['model.generator.num_steps=3'],
                    {'model.generator.num_steps': 3}):
        found = config_of_test(cfg, 'logs', options, 'pytorch')
        assert found.model.generator.num_steps == 3
        assert (found.work_dir, found.launcher) == ('logs', 'pytorch')
        assert found.train_cfg is None
        assert found.filename == cfg.filename
    assert cfg.to_dict() == before


def test_the_work_folder_has_the_name_of_the_config(tmp_path):
    (tmp_path / 'mine.py').write_text("model = dict(type='RCG')\n")
    path = str(tmp_path / 'mine.py')
    assert run_config(path).work_dir == 'work_dirs/mine'
    assert run_config(load_config(path)).work_dir == 'work_dirs/mine'
    with pytest.raises(ValueError, match='give work_dir'):
        run_config(Config(dict(model=dict(type='RCG'))))


def test_a_config_that_tests_nothing(tmp_path):
    (tmp_path / 'mine.py').write_text("model = dict(type='RCG')\n")
    with pytest.raises(ValueError, match="mine.py' has no test_cfg"):
        config_of_test(str(tmp_path / 'mine.py'))


@pytest.mark.parametrize('make', [dict, Config])
@pytest.mark.parametrize('call', [
    apis.train, lambda cfg: apis.test(cfg, 'a.pth'),
    lambda cfg: apis.RCGInferencer(cfg, 'a.pth'),
    lambda cfg: apis.sample_images(cfg, 'a.pth', 'out', num=1)])
def test_given_configs_are_checked_as_files_are(make, call, tmp_path,
                                                monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = make(dict(model=dict(type='RCG'), work_dir='a', trian_cfg=dict()))
    with pytest.raises(KeyError, match="the given config: unknown top-level "
                                       "key 'trian_cfg'.*'train_cfg'"):
        call(cfg)


def test_options_of_given_configs_are_checked():
    cfg = dict(model=dict(type='RCG'), work_dir='a')
    with pytest.raises(KeyError, match="unknown top-level key 'modle'"):
        run_config(cfg, options=['modle.type=RDM'])
    assert run_config(cfg, options=['model.type=RDM']).model.type == 'RDM'
    assert cfg == dict(model=dict(type='RCG'), work_dir='a')
    with pytest.raises(ValueError, match='the given config has no train_cfg'):
        apis.train(cfg)


def test_variables_of_given_configs_are_named_in_a_warning(monkeypatch):
    said = []
    monkeypatch.setattr(config, 'print_log',
                        lambda text, *others: said.append(text))
    run_config(dict(model=dict(type='RCG'), work_dir='a', my_epochs=3))
    assert 'the Runner does not read my_epochs' in said[0]


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A run whose options the config does not have."""
    folder = tmp_path_factory.mktemp('of_a_run') / 'run'
    build_runner(folder, train_cfg__max_iters=2, model__width=5,
                 resume=True).train()
    return folder


def test_a_work_folder_alone_is_a_config_and_a_checkpoint(trained, tmp_path):
    moved = tmp_path / 'moved'
    shutil.copytree(trained, moved)
    for path in (moved, moved / 'iter_2.pth'):
        cfg = config_of_work_dir(path)
        assert (cfg.model.width, cfg.work_dir) == (5, str(moved))
        assert not cfg.resume
        assert run_config(path, options=['model.width=6']).model.width == 6
    wanted = apis.test(str(trained / 'toy_config.py'), str(trained),
                       work_dir=str(tmp_path / 'logs'))
    for path in (moved, moved / 'iter_2.pth'):
        assert apis.test(str(path))['toy/mean'] == wanted['toy/mean']


def test_a_json_config_leaves_source_that_can_be_read(tmp_path):
    cfg = load_config(CONFIG, {'work_dir': str(tmp_path / 'run')})
    cfg.dump(tmp_path / 'toy.json')
    build_runner(tmp_path / 'run', str(tmp_path / 'toy.json'),
                 train_cfg__max_iters=1).train()
    assert config_of_work_dir(tmp_path / 'run').train_cfg.max_iters == 1


def test_a_config_alone_is_no_checkpoint(trained):
    with pytest.raises(ValueError, match='toy_config.py.* is a config: give '
                                         'a checkpoint'):
        apis.test(CONFIG)
    with pytest.raises(FileNotFoundError, match='No training run has left'):
        apis.test(str(trained.parent))


def test_of_several_configs_the_checkpoints_is_taken(trained, tmp_path):
    """Not that of a run that was refused, nor that of a test."""
    shutil.copytree(trained, tmp_path / 'run')
    run = tmp_path / 'run'
    text = (run / 'toy_config.py').read_text()
    (run / 'other.py').write_text(text.replace('width=5', 'width=9'))
    os.utime(run / 'toy_config.py', (1, 1))
    assert config_of_work_dir(run).model.width == 5
    (run / 'other.py').unlink()
    with pytest.raises(CheckpointError, match='width: was 5, is'):
        build_runner(run, resume=True).train()
    assert config_of_work_dir(run).model.width == 5
    shutil.rmtree(run)


def test_weights_that_do_not_fit_name_the_config_of_their_run(trained,
                                                              tmp_path):
    with pytest.raises(CheckpointError, match=(
            r"config, with its options: '.*of_a_run.*/toy_config.py'")):
        apis.test(CONFIG, str(trained), work_dir=str(tmp_path))
