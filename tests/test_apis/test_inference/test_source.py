"""A model by name, by config, by work folder."""
import shutil

import pytest

import rcg as package
from rcg.apis import RCGInferencer
from rcg.apis.inference.source import find_source
from rcg.engine import load_config


@pytest.mark.parametrize('name', [
    'digits/mage', 'digits/mage.py', 'configs/digits/mage',
    'rcg::digits/mage.py'])
def test_a_name_finds_its_work_folder(digits_root, name, tmp_path,
                                      monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = find_source(name)
    assert source.checkpoint == str(digits_root / 'mage')
    assert source.cfg.model.type == 'RCG'
    assert find_source(name, 'b.pth').checkpoint == 'b.pth'


def test_the_quick_start_is_found_from_any_folder(untrained, tmp_path,
                                                  monkeypatch):
    """It works beside the package, where RCG_ROOT is not set."""
    home = tmp_path / 'home'
    (home / 'work_dirs').mkdir(parents=True)
    (home / 'work_dirs/quickstart').symlink_to(untrained)
    monkeypatch.delenv('RCG_ROOT', raising=False)
    cfg = load_config('configs/digits/mage.py')
    monkeypatch.setattr(package, '__file__', str(home / 'rcg/__init__.py'))
    monkeypatch.setattr('rcg.apis.inference.source.load_any_config',
                        lambda config: cfg)
    monkeypatch.chdir(tmp_path)
    source = find_source('digits/mage')
    assert source.checkpoint == str(home / 'work_dirs/quickstart/mage')
    assert source.cfg.model.rdm.checkpoint == str(
        home / 'work_dirs/quickstart/rdm')
    assert source.cfg.model.rdm.denoiser.rep_dim == 64


def test_a_work_folder_has_its_own_config(digits_root, tmp_path):
    cfg = load_config('configs/digits/mage.py',
                      ['model.generator.num_steps=2'])
    work = tmp_path / 'work'
    shutil.copytree(digits_root / 'mage', work)
    cfg.dump(str(work / 'mage.py'))
    for given in (work, work / 'iter_1.pth'):
        model = RCGInferencer(given, device='cpu')
        assert model.model.generator.num_steps == 2
        assert model.checkpoint == str(work / 'iter_1.pth')
    # A config with its checkpoint, as ever; also as a dict.
    assert find_source(cfg, work).checkpoint == str(work)
    assert find_source(cfg.to_dict()).checkpoint == cfg.work_dir


def test_names_that_mean_nothing(tmp_path):
    with pytest.raises(FileNotFoundError,
                       match=r"no config 'digits/mago\.py'.*digits/mage\.py"):
        find_source('digits/mago')
    with pytest.raises(ValueError, match='needs a checkpoint'):
        find_source(dict(model=dict(type='RCG')))
