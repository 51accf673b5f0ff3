"""A missing stage is named with the command that trains it."""
import pytest

from rcg import apis
from rcg.engine import find_config
from rcg.engine.configs.stages import find_stage


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ('RCG_ROOT', 'RCG_DATA'):
        monkeypatch.delenv(name, raising=False)


def config_of(path):
    """A path in configs/ wherever the project is."""
    return str(path).partition('/configs/')[2]


@pytest.mark.parametrize(('config', 'missing'), [
    ('configs/folder/rdm.py', 'encoder'),
    ('configs/folder/mage.py', 'tokenizer'),
    ('configs/digits/mage.py', 'encoder|tokenizer'),
    ('configs/digits/mage_pca.py', 'encoder_pca|tokenizer')])
def test_a_stage_that_was_not_trained(tmp_path, monkeypatch, config, missing):
    (tmp_path / 'images').mkdir()
    monkeypatch.setenv('RCG_DATA', str(tmp_path / 'images'))
    group = config.split('/')[1]
    # Several at once, or one by whoever needs it.
    with pytest.raises(FileNotFoundError, match=(
            r'(?m)(\d things are missing:\n(.*\n)+ +|'
            'this stage comes first and has not been trained. Train it: )'
            rf'python tools/train.py \S*configs/{group}/({missing}).py$')):
        apis.train(config)


def test_roots_empty_folders_and_files(tmp_path, monkeypatch):
    monkeypatch.setenv('RCG_ROOT', str(tmp_path / 'mine'))
    user = find_config('digits/mage.py')
    assert config_of(find_stage('mine/encoder', user)) == 'digits/encoder.py'
    assert config_of(find_stage(f'{tmp_path}/mine/encoder/iter_9.pth', user)
                     ) == 'digits/encoder.py'
    # It might be that of several groups.
    assert find_stage('mine/encoder', str(tmp_path / 'mage.py')) is None
    assert config_of(find_stage('mine/encoder_pca', None)) == (
        'digits/encoder_pca.py')
    assert find_stage('work_dirs/else/encoder', None) is None
    assert find_stage('checkpoints/mocov3_vit_b.safetensors', None) is None
    (tmp_path / 'mine' / 'encoder').mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match='digits/encoder.py'):
        apis.train('configs/digits/rdm.py')


def test_configs_of_ones_own_come_first(tmp_path):
    (tmp_path / 'it is').mkdir()
    (tmp_path / 'it is' / 'encoder.py').write_text("work_dir = 'out/encoder'")
    found = find_stage('out/encoder', str(tmp_path / 'it is' / 'rdm.py'))
    assert found == 'it is/encoder.py'
