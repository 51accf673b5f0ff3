"""What the caller of a run changes in its config."""
import pytest
from mmengine.config import Config

from rcg.apis.run_config import config_of_test, run_config
from rcg.engine import load_config


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
    config = str(tmp_path / 'mine.py')
    assert run_config(config).work_dir == 'work_dirs/mine'
    assert run_config(load_config(config)).work_dir == 'work_dirs/mine'
    with pytest.raises(ValueError, match='give work_dir'):
        run_config(Config(dict(model=dict(type='RCG'))))


def test_a_config_that_tests_nothing(tmp_path):
    (tmp_path / 'mine.py').write_text("model = dict(type='RCG')\n")
    with pytest.raises(ValueError, match="mine.py' has no test_cfg"):
        config_of_test(str(tmp_path / 'mine.py'))
