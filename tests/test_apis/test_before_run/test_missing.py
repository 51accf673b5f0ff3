"""All that a run lacks, at once, with a command for each."""
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from rcg.apis import before_run, train
from rcg.apis.before_run.missing import TESTING
from rcg.engine import load_config
from tests.test_configs import ROOT


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A folder without weights and data."""
    monkeypatch.chdir(tmp_path)
    for name in ('RCG_WEIGHTS', 'RCG_DATA', 'RCG_ROOT'):
        monkeypatch.delenv(name, raising=False)
    init_default_scope('rcg')


def load(name):
    return load_config(str(ROOT / name))


def test_weights_and_data_at_once():
    found = before_run.find_missing(load('rcg/mage_l.py'))
    text = '\n'.join(map(str, found))
    assert len(found) == 4
    for part in ('model.tokenizer', 'model.encoder', 'model.rdm',
                 'train_dataloader.dataset'):
        assert f'({part})' in text
    assert 'python tools/convert_checkpoint.py vitl.pth.tar' in text
    assert 'https://image-net.org' in text


def test_earlier_stages_are_named_by_their_commands():
    found = before_run.find_missing(load('digits/mage.py'))
    assert [one.remedy.rpartition('/')[2] for one in found] == [
        'encoder.py', 'tokenizer.py', 'rdm.py']
    assert all(one.remedy.startswith('python tools/train.py ')
               for one in found)


def test_what_is_there_is_not_missing(digits_root):
    assert before_run.find_missing(load('digits/mage.py')) == []


def test_references_and_extractors_of_a_test():
    found = before_run.find_missing(load('rcg/mage_l.py'), TESTING)
    text = '\n'.join(map(str, found))
    assert 'python tools/prepare_imagenet_val.py' in text
    assert 'VIRTUAL_imagenet256_labeled.npz' in text
    assert text.count('weights-inception') == 2  # once, and its address


def test_one_file_that_two_parts_need_is_one_thing(tmp_path):
    part = dict(type='A', checkpoint='gone.pth')
    one, = before_run.find_missing(Config(dict(
        model=dict(type='B', a=part, b=dict(part)))))
    assert one.users == ('model.a', 'model.b')
    with pytest.raises(before_run.MissingPartsError, match='One thing'):
        before_run.check_ready(Config(dict(model=part)))


def test_training_begins_with_the_list(tmp_path):
    with pytest.raises(before_run.MissingPartsError,
                       match='3 things are missing'):
        train(load('digits/mage.py'), work_dir=str(tmp_path / 'work'))
    assert not (tmp_path / 'work').exists()
