"""Dotted keys: how configs differ, and which file set a value."""
import pytest

from rcg.apis import config_keys, print_config
from rcg.engine import load_config
from tools import diff_config as tool

BASE = """
train_cfg = dict(type='StreamTrainLoop', max_iters=10)
model = dict(type='Toy', sizes=(1, 2), parts=[dict(type='A', n=1)])
"""
LEAF = """
_base_ = './base.py'
work_dir = 'w'
train_cfg = dict(max_iters=20)
model = dict(sizes=(1, 2))
"""


@pytest.fixture
def leaf(tmp_path):
    (tmp_path / 'base.py').write_text(BASE)
    (tmp_path / 'leaf.py').write_text(LEAF)
    return str(tmp_path / 'leaf.py')


def test_flat_goes_into_lists_of_dicts_alone():
    nested = dict(a=dict(b=1, e={}), c=[dict(d=2), 3], f=(4, 5))
    assert dict(config_keys.flat(nested)) == {
        'a.b': 1, 'a.e': {}, 'c.0.d': 2, 'c.1': 3, 'f': (4, 5)}


def test_differences():
    old = dict(a=1, b=dict(c=(1, 2), d='x'), e=None)
    new = dict(a=1, b=dict(c=[1, 2], d='y'), f=0)
    found = config_keys.differences(old, new)
    assert [(one.key, one.old, one.new) for one in found] == [
        ('b.d', "'x'", "'y'"), ('e', 'None', None), ('f', None, '0')]


def test_origins(leaf):
    found = {key: (value, file.rpartition('/')[2]) for key, value, file
             in config_keys.origins(leaf, ['model.parts.0.n=7'])}
    assert found['train_cfg.max_iters'] == (20, 'leaf.py')
    assert found['train_cfg.type'] == ('StreamTrainLoop', 'base.py')
    assert found['work_dir'] == ('w', 'leaf.py')
    # The leaf only repeats what it inherits.
    assert found['model.sizes'] == ((1, 2), 'base.py')
    assert found['model.parts.0.n'] == (7, '--cfg-options')
    assert dict(config_keys.own_keys(leaf)) == {
        'train_cfg.max_iters': 20, 'work_dir': 'w'}


def test_what_is_printed_is_a_config_again(leaf, tmp_path, capsys):
    print_config(leaf, ['train_cfg.max_iters=3'])
    (tmp_path / 'printed.py').write_text(capsys.readouterr().out)
    again = load_config(str(tmp_path / 'printed.py'))
    assert again.train_cfg == dict(type='StreamTrainLoop', max_iters=3)
    print_config(leaf, origin=True)
    assert 'train_cfg.max_iters = 20  # ' in capsys.readouterr().out


@pytest.mark.parametrize(('second', 'status', 'said'), [
    ('leaf.py', 0, ''), ('gone.py', 2, ''),
    ('base.py', 1, '- train_cfg.max_iters = 20\n+ train_cfg.max_iters = 10')])
def test_exit_status_is_that_of_diff(leaf, second, status, said, tmp_path,
                                     monkeypatch, capsys):
    monkeypatch.setattr('sys.argv', ['diff_config.py', leaf,
                                     str(tmp_path / second)])
    with pytest.raises(SystemExit) as caught:
        tool.main()
    assert caught.value.code == status
    assert said in capsys.readouterr().out
