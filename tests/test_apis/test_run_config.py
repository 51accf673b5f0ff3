"""What the caller of a run changes in its config."""
import pytest
from mmengine.config import Config

from rcg import apis
from rcg.apis.run_config import config_of_test, run_config
from rcg.engine import load_config
from rcg.engine.configs import loading as config


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
