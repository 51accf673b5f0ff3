"""Config files: found from any folder, and inherited from any folder."""
import copy
import pickle

import pytest
from mmengine.config import Config

from rcg.engine import find_config, load_config
from rcg.engine.configs.files import config_folders


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_found_from_any_folder():
    relative = '_base_/default_runtime.py'
    expected = str(config_folders()[0] / relative)
    assert find_config(f'configs/{relative}') == expected
    assert find_config(relative) == expected
    assert find_config(f'rcg::{relative}') == expected


def test_the_current_folder_comes_first(tmp_path):
    name = '_base_/default_runtime.py'
    write(tmp_path / 'configs' / name, 'work_dir = "mine"')
    write(tmp_path / name, 'work_dir = "mine"')
    assert load_config(f'configs/{name}').work_dir == 'mine'
    assert load_config(name).work_dir == 'mine'
    assert load_config(f'rcg::{name}').get('work_dir') != 'mine'


def test_a_missing_config_names_near_ones():
    with pytest.raises(FileNotFoundError, match='default_runtime.py'):
        find_config('configs/_base_/default_runtim.py')
    with pytest.raises(FileNotFoundError, match=(
            "^rcg has no config 'rcg::digits/maeg.py'; did you mean "
            r"'rcg::digits/mage.py' or .*\?$")):
        find_config('rcg::digits/maeg.py')
    with pytest.raises(FileNotFoundError, match=r"'rcg::zzzz'.$"):
        find_config('rcg::zzzz')


@pytest.mark.parametrize('name', ['digits/dit.py', 'folder/rdm.py',
                                  'rcg/mage_l.py'])
def test_a_base_is_inherited_as_it_is(tmp_path, name):
    """No scope is added to its types, and it names its bases as before."""
    path = write(tmp_path / 'mine.py', f"_base_ = 'rcg::{name}'")
    mine, theirs = load_config(path), load_config(f'configs/{name}')
    assert mine.to_dict() == theirs.to_dict() == Config.fromfile(
        find_config(name)).to_dict()
    assert mine.filename == path


def test_bases_of_ones_own_and_ours_together(tmp_path):
    """A list of both, through a file in another folder, and variables."""
    write(tmp_path / 'near/data.py', "data_root = 'mine'")
    write(tmp_path / 'near/mage.py',
          "_base_ = ['rcg::digits/mage.py', './data.py']\n"
          'train_cfg = dict(max_samples=_base_.train_cfg.max_samples + 7)')
    path = write(tmp_path / 'far/away/mine.py',
                 "_base_ = '../../near/mage.py'\n"
                 "model = dict(data_preprocessor=dict(type='Mine'))\n"
                 "work_dir = 'of_{{_base_.data_root}}'\n"
                 "_name = '{{ fileBasenameNoExtension }}'")
    cfg, theirs = load_config(path), load_config('rcg::digits/mage.py')
    assert cfg.train_cfg.max_samples == theirs.train_cfg.max_samples + 7
    assert cfg.data_root == 'mine'
    assert cfg._name == 'mine'
    assert cfg.model.data_preprocessor.type == 'Mine'
    assert cfg.model.generator == theirs.model.generator


def test_a_misspelt_base_names_near_ones_and_the_file(tmp_path):
    path = write(tmp_path / 'mine.py', "_base_ = ['rcg::digits/dti.py']")
    with pytest.raises(FileNotFoundError, match=(
            "mine.py': rcg has no config 'rcg::digits/dti.py'; did you mean "
            "'rcg::digits/dit.py'")):
        load_config(path)


def test_other_packages_are_left_to_mmengine(tmp_path):
    path = write(tmp_path / 'mine.py', "_base_ = 'nobody::a/b.py'")
    with pytest.raises(ValueError, match='nobody'):
        load_config(path)


def test_what_was_inherited_can_be_written_copied_and_sent(tmp_path):
    path = write(tmp_path / 'mine.py', "_base_ = 'rcg::digits/mage.py'\n"
                 "work_dir = 'mine'")
    cfg = load_config(path)
    assert "work_dir = 'mine'" in cfg.pretty_text
    cfg.dump(str(tmp_path / 'dumped.py'))
    again = load_config(str(tmp_path / 'dumped.py'))
    for other in (again, copy.deepcopy(cfg),
                  pickle.loads(pickle.dumps(cfg))):
        assert other.to_dict() == cfg.to_dict()
    assert isinstance(cfg, Config)
